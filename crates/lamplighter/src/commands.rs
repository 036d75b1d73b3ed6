//! The commands, one file each.

pub(crate) mod account;
pub(crate) mod agent;
pub(crate) mod alarm;
pub(crate) mod audit;
pub(crate) mod banner;
pub(crate) mod break_glass;
pub(crate) mod calendar;
mod campaign;
pub(crate) mod client;
pub(crate) mod comment;
mod config;
pub(crate) mod drill;
pub(crate) mod drill_result;
pub(crate) mod fleet;
pub(crate) mod follow_up;
pub(crate) mod follower;
mod group;
pub(crate) mod incident;
pub(crate) mod key;
mod keys;
mod maintenance;
pub(crate) mod notification;
pub(crate) mod on_call;
pub(crate) mod organization;
mod page;
pub(crate) mod product;
pub(crate) mod release;
pub(crate) mod report;
mod report_version;
mod repository;
pub(crate) mod serve;
pub(crate) mod template;
pub(crate) mod token;

use clap::Subcommand;

use crate::output::{Failure, Options};

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the control plane: API, console, public pages, sign-in, workers.
    Serve(serve::Serve),
    /// Keep verified config beside the sites of this host.
    #[command(subcommand)]
    Agent(agent::AgentCommand),
    /// Publish and read documents.
    #[command(subcommand)]
    Config(config::Config),
    /// Copy the signed repository, for mirrors.
    #[command(subcommand)]
    Repository(repository::Repository),
    /// Stage releases, and activate them where config waits for them.
    #[command(subcommand)]
    Release(release::Release),
    /// Import and list the fleet.
    #[command(subcommand)]
    Fleet(fleet::Fleet),
    /// Show and change how the sites of a product are reached and paced.
    #[command(subcommand)]
    Product(product::Product),
    /// Plan, create, start, stop and watch campaigns.
    #[command(subcommand)]
    Campaign(campaign::Campaign),
    /// See incidents, and tell customers of them.
    #[command(subcommand)]
    Incident(incident::Incident),
    /// Save, approve and publish the report on an incident.
    #[command(subcommand)]
    IncidentReport(report_version::IncidentReport),
    /// List and judge what customers write under incidents.
    #[command(subcommand)]
    Comment(comment::Comment),
    /// Announce work before it begins, and move it.
    #[command(subcommand)]
    Maintenance(maintenance::Maintenance),
    /// Name groups of sites, which layers of config can be for.
    #[command(subcommand)]
    Group(group::Group),
    /// Find organizations, and say who belongs to one.
    #[command(subcommand)]
    Organization(organization::Organization),
    /// Keep what will be done after incidents.
    #[command(subcommand)]
    FollowUp(follow_up::FollowUp),
    /// Put words on the pages of the sites of an area.
    #[command(subcommand)]
    Banner(banner::Banner),
    /// See and end what followers follow, and add webhooks.
    #[command(subcommand)]
    Follower(follower::Follower),
    /// Send again what could not be delivered to a follower.
    #[command(subcommand)]
    Notification(notification::Notification),
    /// List the texts that updates are made from.
    #[command(subcommand)]
    Template(template::Template),
    /// Keep business calendars and their holidays.
    #[command(subcommand)]
    Calendar(calendar::Calendar),
    /// Say who is paged.
    #[command(subcommand)]
    OnCall(on_call::OnCall),
    /// List and acknowledge calls to the people on duty.
    #[command(subcommand)]
    Page(page::Page),
    /// Make, list and withdraw tokens of staff, agents and sites.
    #[command(subcommand)]
    Token(token::Token),
    /// Add and import accounts that sign in to sites.
    #[command(subcommand)]
    Account(account::Account),
    /// Issue the secrets that sites sign in residents with.
    #[command(subcommand)]
    Client(client::Client),
    /// Make, list and retire the keys that sign ID tokens.
    #[command(subcommand)]
    Key(key::Key),
    /// Make, show and rotate the keys that sign config for agents.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// List who changed what, when.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Re-enact an incident on a real server, real agents and real sign-ins.
    Drill(Box<drill::DrillCommand>),
    /// Record and read what drills showed.
    #[command(subcommand)]
    DrillResult(drill_result::DrillResults),
    /// Take and list customers' reports.
    #[command(subcommand)]
    Report(report::Report),
    /// List alarms.
    #[command(subcommand)]
    Alarm(alarm::Alarm),
}

impl Command {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Serve(serve) => serve.run().await,
            Self::Agent(agent) => agent.run(output).await,
            Self::Config(config) => config.run(output).await,
            Self::Repository(repository) => repository.run(output).await,
            Self::Release(release) => release.run(output).await,
            Self::Fleet(fleet) => fleet.run(output).await,
            Self::Campaign(campaign) => campaign.run(output).await,
            Self::Incident(incident) => incident.run(output).await,
            Self::IncidentReport(report) => report.run(output).await,
            Self::Comment(comment) => comment.run(output).await,
            Self::Maintenance(maintenance) => maintenance.run(output).await,
            Self::Group(group) => group.run(output).await,
            Self::Organization(organization) => organization.run(output).await,
            Self::Follower(follower) => follower.run(output).await,
            Self::Notification(notification) => notification.run(output).await,
            Self::Drill(drill) => drill.run(output).await,
            Self::DrillResult(results) => results.run(output).await,
            Self::Report(report) => report.run(output).await,
            Self::Product(product) => product.run(output).await,
            Self::Alarm(alarm) => alarm.run(output).await,
            Self::Template(template) => template.run(output).await,
            Self::Calendar(calendar) => calendar.run(output).await,
            Self::OnCall(on_call) => on_call.run(output).await,
            Self::Page(page) => page.run(output).await,
            Self::Token(token) => token.run(output).await,
            Self::Account(account) => account.run(output).await,
            Self::Client(client) => client.run(output).await,
            Self::Key(key) => key.run(output).await,
            Self::Keys(keys) => keys.run(output).await,
            Self::FollowUp(follow_up) => follow_up.run(output).await,
            Self::Banner(banner) => banner.run(output).await,
            Self::Audit(audit) => audit.run(output).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    /// Names that collide break a command when it is run, and only then.
    #[test]
    fn no_two_arguments_of_a_command_share_a_name() {
        crate::Arguments::command().debug_assert();
    }
}
