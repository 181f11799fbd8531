//! The vocabulary: ids, facts, the question, what a check can say, and what follows from it.

pub mod diagnose;
pub mod dns;
pub mod ec2;
pub mod facts;
pub mod here;
pub mod iam;
pub mod ids;
pub mod inspection;
pub mod logs;
pub mod s3;
pub mod scope;
pub mod ssm;
pub mod text;
pub mod time;
pub mod verdict;
