"""Parameters: good values pass, mistakes are refused before anything is deployed."""

import re
from typing import Any

import pytest

INSTANCE = "arn:aws:connect:us-east-1:123456789012:instance/12345678-90ab-cdef-1234-567890abcdef"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:MyCenter-a1B2c3"
KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-90ab-cdef-1234-567890abcdef"
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/contact-records"
TOPIC = "arn:aws:sns:us-east-1:123456789012:call-center-alarms"

GOOD = {
    "ConnectInstanceArn": [
        INSTANCE,
        INSTANCE.replace("arn:aws:", "arn:aws-us-gov:").replace("us-east-1", "us-gov-west-1"),
        INSTANCE.replace("us-east-1", "ap-northeast-1"),
    ],
    "ContactCenterSecretArn": [
        SECRET,
        SECRET.replace("MyCenter", "salesforce/My_Center+1@x.y=z"),
        SECRET.replace("us-east-1", "eu-central-1"),
    ],
    "ContactCenterSecretKmsKeyArn": [
        "",
        KEY,
        "arn:aws:kms:us-east-1:123456789012:key/mrk-0123456789abcdef0123456789abcdef",
    ],
    "AdditionalContactCenterSecretArns": [
        "",
        SECRET,
        ",".join(f"{SECRET[:-7]}{number}-a1B2c3" for number in range(10)),
    ],
    "AdditionalContactCenterSecretKmsKeyArns": ["", KEY, f"{KEY},{KEY}"],
    "ContactRecordStreamArn": ["", STREAM, STREAM.replace("contact-records", "A_b.c-9")],
    "ContactRecordStreamKmsKeyArn": ["", KEY],
    "ContactLensStreamArn": ["", STREAM, STREAM.replace("contact-records", "A_b.c-9")],
    "ContactLensStreamKmsKeyArn": ["", KEY],
    "ContactLensBucketName": ["", "amazon-connect-123", "a.b"],
    "ContactLensBucketKmsKeyArn": ["", KEY],
    "ContactLensFilePrefix": ["Analysis/Voice/", "connect/x/Analysis/Voice/Redacted/"],
    "PostCallSummaryField": ["", "Summary__c", "Description"],
    "ContactRecordFields": [
        "",
        "Agent.RoutingProfile.Name=RoutingProfile__c",
        "Attributes.tier=Tier__c, SegmentAttributes.connect:Subtype.ValueString=Subtype__c",
        "Tags.Cost Center=CostCenter__c,RingStartTimestamp=Ring__c",
        '{"Agent.Username": "Agent__c"}',
        '{"Tags.a, b=c": "Tag__c",\n "Attributes.gr\\u00f6\u00dfe": "Size__c"}',
        "{}",
    ],
    "ContactRecordMethods": ["INBOUND", "INBOUND,OUTBOUND", "INBOUND, WEBRTC_API", "inbound,NEW_1"],
    "ContactRecordVoicemailAttributes": ["vm_flag", "vm_flag, mail-box", "none"],
    "ContactRecordOptOutAttributes": ["NoSync", "none"],
    "ContactRecordCallbackAttributes": ["callback_flag", "none"],
    "ContactFlowProvisionedEnvironments": ["1", "2", "50", "999"],
    "SalesforceProxy": ["", "http://proxy.example:3128", "https://10.0.0.7", "http://p"],
    "SalesforceCaParameterName": ["", "company-ca", "/network/ca.pem"],
    "PrivateKeyParameterName": [
        "",
        "MyCenter-scrt-jwt-auth-private-key",
        "/salesforce/MyCenter-scrt-jwt-auth-private-key",
        "a.b_c-d/e",
    ],
    "TelephonyProviderName": ["amazon-connect", "Amazon Connect", "A", "x_1.2"],
    "TelephonyVariants": [
        "",
        "reroute=guide",
        "routeVoiceCall=scvl",
        "reroute=guide,routeVoiceCall=guide",
        "routeVoiceCall=guide, reroute=scvl",
    ],
    "JwtAudience": ["", "https://scrt.salesforce.com", "https://scrt.salesforce.com/a/b"],
    "AlarmTopicArn": ["", TOPIC],
    "LogKmsKeyArn": ["", KEY],
    "ConnectFlowLogGroupName": ["", "/aws/connect/my-instance"],
    "AlarmEmail": ["", "on-call+voice@example.com"],
    "BusinessHours": ["8-18", "0-24", "23-24"],
    "BusinessDays": ["1-5", "7-7"],
    "VpcSubnetIds": ["", "subnet-0123456789abcdef0", "subnet-01234567,subnet-89abcdef"],
    "VpcSecurityGroupIds": ["", "sg-0123456789abcdef0", "sg-01234567,sg-89abcdef"],
    "PermissionsBoundaryArn": [
        "",
        "arn:aws:iam::123456789012:policy/boundaries/Workload",
        "arn:aws-us-gov:iam::aws:policy/PowerUserAccess",
    ],
}

BAD = {
    "ConnectInstanceArn": [
        "",
        "12345678-90ab-cdef-1234-567890abcdef",
        INSTANCE + "/contact-flow/12345678-90ab-cdef-1234-567890abcdef",
        INSTANCE + "\n",
        " " + INSTANCE,
        INSTANCE.replace(":connect:", ":lambda:"),
        INSTANCE.replace("123456789012", "1234"),
        INSTANCE.replace("us-east-1", "*"),
        INSTANCE[:-12] + "*",
    ],
    "ContactCenterSecretArn": [
        "",
        "MyCenter",
        SECRET[: -len("-a1B2c3")],  # without the suffix IAM would refuse every read
        SECRET[:-1],
        SECRET + "*",
        SECRET[:-6] + "??????",
        SECRET.replace(":secretsmanager:", ":ssm:"),
        SECRET.replace("MyCenter", "My Center"),
    ],
    "ContactCenterSecretKmsKeyArn": [
        "alias/aws/secretsmanager",
        "arn:aws:kms:us-east-1:123456789012:alias/mine",
        "12345678-90ab-cdef-1234-567890abcdef",
        KEY[:-12] + "*",
        "arn:aws:kms:us-east-1:123456789012:key/mrk-12345678-90ab-cdef-1234-567890abcdef",
    ],
    "AdditionalContactCenterSecretArns": [
        "MyCenter",
        SECRET[: -len("-a1B2c3")],
        f"{SECRET}, {SECRET}",
        f"{SECRET},",
        f"{SECRET};{SECRET}",
        f"{SECRET},*",
        SECRET[:-6] + "??????",
        ",".join([SECRET] * 11),
    ],
    "AdditionalContactCenterSecretKmsKeyArns": [
        "alias/aws/secretsmanager",
        f"{KEY}, {KEY}",
        f"{KEY},",
        f"{KEY},{KEY[:-12]}*",
    ],
    "ContactRecordStreamArn": [
        "contact-records",
        STREAM + "/consumer/x:1",
        STREAM.replace(":kinesis:", ":firehose:"),
        STREAM.replace("contact-records", "*"),
    ],
    "ContactLensStreamArn": ["contact-lens", STREAM.replace(":kinesis:", ":firehose:")],
    "ContactLensStreamKmsKeyArn": ["alias/aws/kinesis", KEY[:-12] + "*"],
    "ContactLensBucketName": ["Bucket", "a", "arn:aws:s3:::bucket", "a/b"],
    "ContactLensBucketKmsKeyArn": ["alias/aws/s3", KEY[:-12] + "*"],
    "ContactLensFilePrefix": ["", "a b/"],
    "PostCallSummaryField": ["Summary c", "1Summary", "Summary.c"],
    "ContactRecordStreamKmsKeyArn": ["alias/aws/kinesis", "aws/kinesis", KEY[:-12] + "*"],
    "ContactRecordFields": [
        "Agent.Username",
        "Agent.Username=",
        "=Agent__c",
        "Agent.Username=Agent__c,",
        "Agent.Username→Agent__c",
        "Agent.Username=1Agent__c",
        "Agent..Username=Agent__c",
        "Agent.Username==Agent__c",
        "Agent.\tUsername=Agent__c",
        '{"Agent.Username": "Agent__c"',
        '{"Agent.Username": 1}',
        '{"Agent": {"Username": "Agent__c"}}',
    ],
    "ContactRecordMethods": ["", "IN BOUND", "1INBOUND", "INBOUND;OUTBOUND", "INBOUND,"],
    "ContactRecordVoicemailAttributes": ["", "vm flag", "vm_flag,"],
    "ContactRecordOptOutAttributes": ["", "No.Sync"],
    "ContactRecordCallbackAttributes": ["", "callback flag"],
    "ContactFlowProvisionedEnvironments": ["", "0", "-1", "1.5", "1000", "02"],
    "SalesforceProxy": [
        "proxy.example:3128",
        "socks5://proxy.example",
        "http://me:word@proxy.example",
        "http://proxy.example/path",
        "http://proxy.example:",
        "http://-",
    ],
    "SalesforceCaParameterName": [
        "//twice",
        "ends/",
        "arn:aws:ssm:us-east-1:1:parameter/x",
        "all*",
    ],
    "PrivateKeyParameterName": [
        "//twice",
        "a//b",
        "/",
        "ends/",
        "arn:aws:ssm:us-east-1:123456789012:parameter/x",
        "all*",
        "with space",
        "x\n",
    ],
    "TelephonyProviderName": [
        "",
        " amazon-connect",
        "amazon-connect ",
        "a\r\nX-Other: 1",
        "ü",
        "-",
    ],
    "TelephonyVariants": [
        "guide",
        "reroute",
        "reroute=POST",
        "create=guide",
        "reroute=guide;routeVoiceCall=guide",
        "reroute=guide,",
        "reroute=guide ",
    ],
    "JwtAudience": ["scrt.salesforce.com", "http://scrt.salesforce.com", "https://a b", "https://"],
    "LogKmsKeyArn": ["alias/logs", KEY[:-12] + "*"],
    "ConnectFlowLogGroupName": [
        "/aws/connect/*",
        "arn:aws:logs:us-east-1:123456789012:log-group:x",
    ],
    "AlarmEmail": ["on-call", "a@b", "a@example.com,b@example.com", "a b@example.com"],
    "BusinessHours": ["", "8", "8:00-18:00", "24-8", "8-25", "8-0"],
    "BusinessDays": ["", "Mon-Fri", "0-5", "1-8"],
    "VpcSubnetIds": [
        "subnet-1",
        "subnet-01234567, subnet-89abcdef",
        "subnet-01234567,",
        "vpc-01234567",
    ],
    "VpcSecurityGroupIds": ["default", ",".join(["sg-01234567"] * 6), "sg-01234567;sg-89abcdef"],
    "PermissionsBoundaryArn": [
        "Workload",
        "arn:aws:iam::123456789012:role/Workload",
        "arn:aws:iam::123456789012:policy/*",
    ],
    "AlarmTopicArn": [
        "alarms",
        TOPIC + ":subscription",
        TOPIC.replace(":sns:", ":sqs:"),
        TOPIC + "*",
    ],
}


def accepts(parameter: dict[str, Any], value: str) -> bool:
    """CloudFormation matches AllowedPattern (a Java regular expression) over the whole value.

    The patterns use nothing that Java and Python read differently, once `$` is no longer
    Python's, which also matches before a last line break.
    """
    pattern = parameter["AllowedPattern"]
    assert pattern.startswith("^")
    assert pattern.endswith("$")
    return re.fullmatch(pattern[1:-1], value, flags=re.ASCII) is not None


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in GOOD.items() for value in values]
)
def test_good_values_are_taken(template: dict[str, Any], name: str, value: str) -> None:
    assert accepts(template["Parameters"][name], value)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_slips_are_refused(template: dict[str, Any], name: str, value: str) -> None:
    assert not accepts(template["Parameters"][name], value)


def test_every_pattern_is_tried(template: dict[str, Any]) -> None:
    patterns = {name for name, each in template["Parameters"].items() if "AllowedPattern" in each}
    assert patterns == set(GOOD) == set(BAD)


def test_every_parameter_says_what_it_is_and_what_it_takes(template: dict[str, Any]) -> None:
    for name, parameter in template["Parameters"].items():
        assert len(parameter["Description"]) > 40, name
        assert len(parameter["Description"]) <= 4000, name
        assert parameter["ConstraintDescription"].startswith("must be "), name
        assert ("AllowedPattern" in parameter) != ("AllowedValues" in parameter), name


def test_defaults_are_themselves_allowed(template: dict[str, Any]) -> None:
    for name, parameter in template["Parameters"].items():
        if "Default" not in parameter:
            continue
        if "AllowedValues" in parameter:
            assert parameter["Default"] in parameter["AllowedValues"], name
        else:
            assert accepts(parameter, parameter["Default"]), name


def test_only_parameters_without_a_sensible_value_have_no_default(template: dict[str, Any]) -> None:
    required = {name for name, each in template["Parameters"].items() if "Default" not in each}
    assert required == {"ConnectInstanceArn", "ContactCenterSecretArn"}


def test_every_parameter_stands_in_one_group_with_a_label(template: dict[str, Any]) -> None:
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template["Parameters"])
    assert sorted(interface["ParameterLabels"]) == sorted(template["Parameters"])


def test_guided_deployment_begins_with_what_is_needed(template: dict[str, Any]) -> None:
    """SAM asks in the template's order; all behind the first two may stay as they are."""
    parameters = template["Parameters"]
    needed = [name for name, parameter in parameters.items() if "Default" not in parameter]
    assert needed == list(parameters)[:2] == ["ConnectInstanceArn", "ContactCenterSecretArn"]
    [first, *_] = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert first["Parameters"] == needed


def test_every_parameter_is_used(template: dict[str, Any]) -> None:
    used = {
        section: str(template[section])
        for section in ("Conditions", "Globals", "Resources", "Outputs")
    }
    for name in template["Parameters"]:
        assert any(name in text for text in used.values()), name
