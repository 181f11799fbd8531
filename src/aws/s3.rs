//! S3: the policy of the bucket that session logs go to.

use aws_sdk_s3::Client;
use ssm_doctor_checks::model::{facts::Facts, ids::BucketName, text::Text};

use super::{
    Service,
    why::{field, row},
};

pub type S3 = Service<Client>;

impl S3 {
    /// A bucket that does not exist is refused, not absent: absent is a bucket without a policy.
    pub async fn bucket_policy(self, bucket: BucketName) -> Facts {
        let output = self.client.get_bucket_policy().bucket(bucket.as_str()).send().await;
        let output = self.watch.read(output, &["NoSuchBucketPolicy"]);
        let policy = output
            .and_then(|it| it.map(|it| Ok(Text::parse(field("Policy", it.policy())?))).transpose());
        Facts { bucket_policies: [(bucket, row(policy))].into(), ..Facts::default() }
    }
}
