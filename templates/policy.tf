resource "aws_iam_policy" "ssm_doctor" {
  name        = "{{ sid }}"
  description = "What ssm-doctor may read"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
{%- for statement in statements %}
      {
        Sid    = "{{ statement.sid }}"
        Effect = "Allow"
        Action = [
{%- for action in statement.action %}
          "{{ action }}",
{%- endfor %}
        ]
        Resource = {{ statement.resource.hcl() }}
      },
{%- endfor %}
    ]
  })
}
