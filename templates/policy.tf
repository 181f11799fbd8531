resource "aws_iam_policy" "ssm_doctor" {
  name        = "{{ sid }}"
  description = "What ssm-doctor may read"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "{{ sid }}"
      Effect = "Allow"
      Action = [
{%- for action in actions %}
        "{{ action }}",
{%- endfor %}
      ]
      Resource = "*"
    }]
  })
}
