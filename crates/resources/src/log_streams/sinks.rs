//! What each type of log stream must be told.

use serde_json::Value;

use super::text;
use crate::engine::field::{BOOL, SOME_TEXT, Shape, TEXT, field};
use crate::engine::format::Format;
use crate::engine::{ApiError, Map, validate};

/// Every type.
pub(super) const TYPES: &[&str] =
    &["http", "eventbridge", "eventgrid", "datadog", "splunk", "sumo", "segment", "mixpanel"];

const AWS_REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];
const AZURE_REGIONS: &[&str] = &[
    "australiacentral",
    "australiaeast",
    "australiasoutheast",
    "brazilsouth",
    "canadacentral",
    "canadaeast",
    "centralindia",
    "centralus",
    "eastasia",
    "eastus",
    "eastus2",
    "francecentral",
    "germanywestcentral",
    "japaneast",
    "japanwest",
    "koreacentral",
    "koreasouth",
    "northcentralus",
    "northeurope",
    "norwayeast",
    "southafricanorth",
    "southcentralus",
    "southeastasia",
    "southindia",
    "swedencentral",
    "switzerlandnorth",
    "uaenorth",
    "uksouth",
    "ukwest",
    "westcentralus",
    "westeurope",
    "westindia",
    "westus",
    "westus2",
];

const NUMBER: Shape = Shape::Text { min: 1, max: 64, format: Format::Digits };
const NO_COLON: Shape = Shape::Text { min: 1, max: 1024, format: Format::NoColon };
const ENDPOINT: Shape = Shape::Text { min: 1, max: 2048, format: Format::HttpsUrlOrEmpty };
const HEADER: Shape =
    Shape::object(&[field("header", SOME_TEXT).required(), field("value", TEXT).required()]);

static HTTP: Shape = Shape::object(&[
    field("httpEndpoint", ENDPOINT).required(),
    field("httpAuthorization", TEXT),
    field("httpContentFormat", Shape::OneOf(&["JSONARRAY", "JSONLINES", "JSONOBJECT"])),
    field("httpContentType", TEXT),
    field("httpCustomHeaders", Shape::list(&HEADER)),
]);
static EVENTBRIDGE: Shape = Shape::object(&[
    field("awsAccountId", Shape::Text { min: 12, max: 12, format: Format::Digits }).required(),
    field("awsRegion", Shape::OneOf(AWS_REGIONS)).required(),
]);
static EVENTGRID: Shape = Shape::object(&[
    field("azureSubscriptionId", Shape::format(Format::Uuid)).required(),
    field("azureRegion", Shape::OneOf(AZURE_REGIONS)).required(),
    field("azureResourceGroup", SOME_TEXT).required(),
]);
static DATADOG: Shape = Shape::object(&[
    field("datadogApiKey", SOME_TEXT).required(),
    field("datadogRegion", Shape::OneOf(&["us", "eu", "us3", "us5"])).required(),
]);
static SPLUNK: Shape = Shape::object(&[
    field("splunkDomain", SOME_TEXT).required(),
    field("splunkPort", NUMBER).required(),
    field("splunkToken", SOME_TEXT).required(),
    field("splunkSecure", BOOL).required(),
]);
static SUMO: Shape = Shape::object(&[field("sumoSourceAddress", SOME_TEXT).required()]);
static SEGMENT: Shape = Shape::object(&[field("segmentWriteKey", SOME_TEXT).required()]);
static MIXPANEL: Shape = Shape::object(&[
    field("mixpanelRegion", Shape::OneOf(&["us", "eu"])).required(),
    field("mixpanelProjectId", NUMBER).required(),
    field("mixpanelServiceAccountUsername", NO_COLON).required(),
    field("mixpanelServiceAccountPassword", NO_COLON).required(),
]);

/// Whether the sink of this type stays what it was made with: the other side was set up for it.
pub(super) fn is_fixed(r#type: &str) -> bool {
    matches!(r#type, "eventbridge" | "eventgrid")
}

/// Refuses a sink that is not what the stream's type needs.
pub(super) fn check(stream: &Map) -> Result<(), ApiError> {
    let shape = match text(stream, "type") {
        "http" => &HTTP,
        "eventbridge" => &EVENTBRIDGE,
        "eventgrid" => &EVENTGRID,
        "datadog" => &DATADOG,
        "splunk" => &SPLUNK,
        "sumo" => &SUMO,
        "segment" => &SEGMENT,
        _ => &MIXPANEL,
    };
    let sink = stream.get("sink").unwrap_or(&Value::Null);
    validate::shape_matches(sink, shape, "sink", "").map_err(ApiError::invalid_body)
}
