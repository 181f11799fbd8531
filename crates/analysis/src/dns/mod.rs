//! Where the VPC's resolver leads a service's name.

pub mod name;
