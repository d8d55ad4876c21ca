package facts

import "testing"

func TestSharedWords(t *testing.T) {
	for _, tc := range []struct {
		why, role, group string
		want             int
	}{
		{"written alike", "payments-api", "/ecs/payments-api", 2},
		{"as CDK and CloudFormation name a role", "PaymentsApiRole", "/ecs/payments-api", 2},
		{"as a function is named", "payments-api-prodRole", "/aws/lambda/PaymentsApi", 2},
		{"one telling word", "payments-api-prodRole", "/prod/payments-worker", 1},
		{"none", "payments-api-prodRole", "/ecs/checkout", 0},
		{"plain words alone", "payments-api-prodRole", "/aws/eks/prod/application", 0},
		{"a short word of another's name", "payments-api", "/ecs/orders-api", 0},
		{"short words that are the whole name", "etl-job-role", "/glue/job/etl", 2},
		{"a part of short words", "etl-job-role", "/glue/web/etl", 0},
		{"no words at all", "prod-role", "/aws/prod", 0},
		{"four letters are enough", "auth-api", "/ecs/auth-web", 1},
		{"a word twice counts once", "cart-cart", "/cart/cart", 1},
	} {
		if got := SharedWords(tc.role, tc.group); got != tc.want {
			t.Errorf("%s: %s and %s share %d words, want %d", tc.why, tc.role, tc.group, got, tc.want)
		}
	}
}
