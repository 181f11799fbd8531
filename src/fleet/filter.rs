//! Which nodes of a fleet are meant.

use clap::{Args, ValueEnum};
use ssm_doctor_facts::{
    ids::{SubnetId, Target, VpcId},
    lookup::Facts,
};

use super::node::{GROUP_TAG, Status, platform, status};
use crate::tag::Tag;

/// Every filter that is given has to fit. Of several values of one filter, one has to.
#[derive(Args, Clone, Debug, Default)]
pub struct Filter {
    /// Only nodes with this tag; of several, with all
    #[arg(long, value_name = "KEY=VALUE")]
    pub tag: Vec<Tag>,
    /// Only instances in this VPC
    #[arg(long, value_name = "ID")]
    pub vpc: Vec<String>,
    /// Only instances in this subnet
    #[arg(long, value_name = "ID")]
    pub subnet: Vec<String>,
    /// Only instances of this Auto Scaling group
    #[arg(long, value_name = "NAME")]
    pub auto_scaling_group: Vec<String>,
    /// Only instances in this state, such as `running`
    #[arg(long, value_name = "STATE")]
    pub state: Vec<String>,
    /// Only nodes of this platform
    #[arg(long, value_name = "PLATFORM", value_parser = ["linux", "windows", "macos"])]
    pub platform: Vec<String>,
    /// Only nodes that are managed, or that are not
    #[arg(long, value_name = "ANSWER")]
    pub managed: Option<Answer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Answer {
    Yes,
    No,
}

impl Filter {
    #[must_use]
    pub fn admits(&self, target: &Target, facts: &Facts) -> bool {
        let instance = target.instance().and_then(|id| facts.instances.get(id)?.present());
        let among = |asked: &[String], found: Option<&str>| {
            asked.is_empty() || found.is_some_and(|found| asked.iter().any(|it| it == found))
        };
        let tag = |key: &str| instance.and_then(|it| it.tags.get(key)).map(String::as_str);
        self.tag.iter().all(|asked| tag(&asked.key) == Some(&asked.value))
            && among(&self.vpc, instance.and_then(|it| it.vpc.as_ref()).map(VpcId::as_str))
            && among(&self.subnet, instance.and_then(|it| it.subnet.as_ref()).map(SubnetId::as_str))
            && among(&self.auto_scaling_group, tag(GROUP_TAG))
            && among(&self.state, instance.map(|it| it.state.as_str()))
            && among(&self.platform, platform(target, facts).as_deref())
            && match (self.managed, status(target, facts)) {
                // What was not seen may be either: to leave it out would hide it.
                (None, _) | (Some(Answer::Yes), Status::Managed) | (Some(_), Status::Unknown) => {
                    true
                }
                (Some(answer), status) => answer == Answer::No && status != Status::Managed,
            }
    }
}

#[cfg(test)]
mod tests {
    use ssm_doctor_fixtures as fixtures;

    use super::*;

    #[test]
    fn every_filter_has_to_fit() {
        let scenario = fixtures::named("private-endpoints").unwrap();
        let (target, facts) = (scenario.scope.target, scenario.facts);
        let words = |word: &str| vec![word.to_owned()];
        let tag = |raw: &str| vec![raw.parse::<Tag>().unwrap()];
        let none = Filter::default;
        let rows = [
            (none(), true),
            (Filter { tag: tag("Environment=production"), ..none() }, true),
            (Filter { tag: tag("Environment=test"), ..none() }, false),
            (Filter { vpc: words("vpc-0a1b2c3d"), ..none() }, true),
            (Filter { vpc: words("vpc-0"), ..none() }, false),
            (
                Filter { subnet: vec!["subnet-0".into(), "subnet-0instances".into()], ..none() },
                true,
            ),
            (Filter { auto_scaling_group: words("web"), ..none() }, false),
            (Filter { state: words("running"), platform: words("linux"), ..none() }, true),
            (Filter { state: words("running"), platform: words("windows"), ..none() }, false),
            (Filter { managed: Some(Answer::Yes), ..none() }, true),
            (Filter { managed: Some(Answer::No), ..none() }, false),
        ];
        for (filter, expected) in rows {
            assert_eq!(filter.admits(&target, &facts), expected, "{filter:?}");
        }
    }
}
