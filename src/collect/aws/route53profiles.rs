//! Route 53 Profiles: zones, rules and firewall groups that many VPCs share.

use aws_sdk_route53profiles::{
    Client,
    types::{self as sdk, ProfileStatus},
};
use serde::Deserialize;
use ssm_doctor_facts::{
    ids::{ProfileId, VpcId},
    lookup::Facts,
    route53::ProfileResource,
};

use super::{
    service::Service,
    why::{Failure, named, row},
};

pub type Route53Profiles = Service<Client>;

/// The page size that these calls allow at most.
const PAGE: i32 = 100;

impl Route53Profiles {
    /// The VPC's Profiles, and what each of them brings.
    pub async fn profiles(self, vpc: VpcId) -> Facts {
        let call = self.client.list_profile_associations().resource_id(vpc.as_str());
        let found = call.into_paginator().page_size(PAGE).items().send();
        let found = self.watch.read(found.collect::<Result<Vec<_>, _>>().await, &[]);
        let profiles = found.map(Option::unwrap_or_default).and_then(|it| {
            let standing = it.iter().filter(|it| {
                use ProfileStatus::{Deleted, Deleting, Failed};
                !matches!(it.status(), Some(Deleted | Deleting | Failed))
            });
            standing
                .map(|it| named("ProfileId", it.profile_id()))
                .collect::<Result<Vec<ProfileId>, _>>()
        });
        let mut facts = Facts::default();
        for id in profiles.as_ref().ok().into_iter().flatten() {
            facts.absorb(self.clone().profile_resources(id.clone()).await);
        }
        facts.profiles.insert(vpc, row(profiles.map(Some)));
        facts
    }

    pub async fn profile_resources(self, id: ProfileId) -> Facts {
        let call = self.client.list_profile_resource_associations().profile_id(id.as_str());
        let found = call.into_paginator().page_size(PAGE).items().send();
        let found = self.watch.read(found.collect::<Result<Vec<_>, _>>().await, &[]);
        let resources = found.map(Option::unwrap_or_default).and_then(|it| {
            let standing = it.iter().filter(|it| {
                use ProfileStatus::{Deleted, Deleting, Failed};
                !matches!(it.status(), Some(Deleted | Deleting | Failed))
            });
            standing.map(profile_resource).collect::<Result<Vec<_>, _>>()
        });
        Facts { profile_resources: [(id, row(resources.map(Some)))].into(), ..Facts::default() }
    }
}

/// `{"priority":102}`, of firewall rule groups.
#[derive(Deserialize)]
struct Properties {
    priority: Option<i32>,
}

fn profile_resource(it: &sdk::ProfileResourceAssociation) -> Result<ProfileResource, Failure> {
    let properties = it.resource_properties();
    Ok(ProfileResource {
        arn: named("ResourceArn", it.resource_arn())?,
        priority: properties
            .and_then(|it| serde_json::from_str::<Properties>(it).ok())
            .and_then(|it| it.priority),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_read() {
        let group = sdk::ProfileResourceAssociation::builder()
            .resource_arn(
                "arn:aws:route53resolver:us-east-1:123456789012:firewall-rule-group/rslvr-frg-1",
            )
            .resource_properties("{\"priority\":102}");
        let read = profile_resource(&group.clone().build()).unwrap();
        assert_eq!((read.arn.name(), read.priority), ("rslvr-frg-1", Some(102)));
        let odd = group.clone().resource_properties("?").build();
        assert_eq!(profile_resource(&odd).unwrap().priority, None);
        assert!(profile_resource(&group.set_resource_arn(None).build()).is_err());
    }
}
