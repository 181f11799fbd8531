//! S3: the bucket that session logs go to.

use std::{error::Error, future::Future};

use aws_sdk_s3::{
    Client,
    config::{Builder, Region as SdkRegion},
    error::SdkError,
    operation::get_bucket_encryption::GetBucketEncryptionOutput,
    types::{ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration},
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use ssm_doctor_facts::{
    ids::{BucketName, Region},
    lookup::Facts,
    s3::{Bucket, BucketEncryption},
    text::Text,
};

use super::{
    service::Service,
    why::{Failure, Outcome, field, maybe, read, row},
};

pub type S3 = Service<Client>;

/// What a bucket without default encryption says; all that were made since 2023 have one.
const NOT_ENCRYPTED: &str = "ServerSideEncryptionConfigurationNotFoundError";

impl S3 {
    /// A bucket that does not exist is refused, not absent: absent is a bucket without a policy.
    pub async fn bucket_policy(self, bucket: BucketName) -> Facts {
        let ask = |at: Builder| {
            let call = self.client.get_bucket_policy().bucket(bucket.as_str());
            call.customize().config_override(at).send()
        };
        let (output, _) = self.at_home(ask).await;
        let output = self.watch.read(output, &["NoSuchBucketPolicy"]);
        let policy = output
            .and_then(|it| it.map(|it| Ok(Text::parse(field("Policy", it.policy())?))).transpose());
        Facts { bucket_policies: [(bucket, row(policy))].into(), ..Facts::default() }
    }

    /// A bucket of somebody else's is denied like one that we may not look at.
    pub async fn bucket(self, name: BucketName) -> Facts {
        let bucket = self.encryption(&name).await;
        Facts { buckets: [(name, row(bucket))].into(), ..Facts::default() }
    }

    async fn encryption(&self, name: &BucketName) -> Outcome<Bucket> {
        let ask = |at: Builder| {
            let call = self.client.get_bucket_encryption().bucket(name.as_str());
            call.customize().config_override(at).send()
        };
        let (output, home) = self.at_home(ask).await;
        let region = home.map(|it| read("x-amz-bucket-region", &it)).transpose()?;
        if output.as_ref().is_err_and(|it| it.code() == Some(NOT_ENCRYPTED)) {
            return Ok(Some(Bucket { region, encryption: Vec::new() }));
        }
        let output = self.watch.read(output, &["NoSuchBucket"])?;
        output.map(|it| bucket(&it, region)).transpose()
    }

    /// Asks again in the bucket's own Region, if the answer says that this is not it. With which Region
    /// that was.
    async fn at_home<T, E, W>(
        &self,
        ask: impl Fn(Builder) -> W,
    ) -> (Result<T, SdkError<E, HttpResponse>>, Option<String>)
    where
        E: ProvideErrorMetadata + Error + 'static,
        W: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let answer = ask(Builder::new()).await;
        let Some(home) = answer.as_ref().err().and_then(home) else { return (answer, None) };
        if self.client.config().region().is_none_or(|it| it.as_ref() == home) {
            return (answer, None);
        }
        (ask(Builder::new().region(SdkRegion::new(home.clone()))).await, Some(home))
    }
}

/// S3 names a bucket's Region with every refusal.
fn home<E>(error: &SdkError<E, HttpResponse>) -> Option<String> {
    error.raw_response()?.headers().get("x-amz-bucket-region").map(Into::into)
}

fn bucket(it: &GetBucketEncryptionOutput, region: Option<Region>) -> Result<Bucket, Failure> {
    let configuration = it.server_side_encryption_configuration();
    let rules = configuration.map(ServerSideEncryptionConfiguration::rules).unwrap_or_default();
    let defaults = rules.iter().filter_map(|it| it.apply_server_side_encryption_by_default());
    Ok(Bucket { region, encryption: defaults.map(encryption).collect::<Result<_, _>>()? })
}

fn encryption(it: &ServerSideEncryptionByDefault) -> Result<BucketEncryption, Failure> {
    Ok(BucketEncryption {
        algorithm: it.sse_algorithm().as_str().into(),
        key: maybe("KMSMasterKeyID", it.kms_master_key_id())?,
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::{ServerSideEncryption, ServerSideEncryptionRule};
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use ssm_doctor_facts::ids::KeyName;

    use super::*;

    #[test]
    fn a_bucket_is_read() {
        let by_default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::from("aws:kms:quantum"))
            .kms_master_key_id("alias/logs")
            .build()
            .unwrap();
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(by_default)
            .build();
        let rules = [ServerSideEncryptionRule::builder().build(), rule];
        let configuration =
            ServerSideEncryptionConfiguration::builder().set_rules(Some(rules.into())).build();
        let output = GetBucketEncryptionOutput::builder()
            .server_side_encryption_configuration(configuration.unwrap())
            .build();
        let read = bucket(&output, None).unwrap();
        let [found] = read.encryption.as_slice() else { panic!("{read:?}") };
        assert_eq!(found.algorithm, "aws:kms:quantum");
        assert_eq!(found.key.as_ref().map(KeyName::as_str), Some("alias/logs"));
    }

    #[test]
    fn a_refusal_says_where_the_bucket_is() {
        let refused = |region: Option<&'static str>| {
            let mut response =
                HttpResponse::new(StatusCode::try_from(301).unwrap(), SdkBody::empty());
            if let Some(region) = region {
                response.headers_mut().insert("x-amz-bucket-region", region);
            }
            SdkError::<(), _>::service_error((), response)
        };
        assert_eq!(home(&refused(Some("eu-central-1"))).as_deref(), Some("eu-central-1"));
        assert_eq!(home(&refused(None)), None);
    }
}
