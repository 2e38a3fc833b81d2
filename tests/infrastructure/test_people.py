"""How people sign in, and for how long that holds."""

from tests.infrastructure.templates import Template, of_type, translation

DAY_SECONDS = 86_400
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": DAY_SECONDS}

(POOL,) = of_type("people", "AWS::Cognito::UserPool").values()
(CLIENT,) = of_type("people", "AWS::Cognito::UserPoolClient").values()
GROUPS = of_type("people", "AWS::Cognito::UserPoolGroup")


def properties(resource: Template) -> Template:
    found: Template = resource["Properties"]
    return found


def lifetime(token: str) -> int:
    """In seconds."""
    client = properties(CLIENT)
    return int(client[f"{token}TokenValidity"]) * UNITS[client["TokenValidityUnits"][f"{token}Token"]]


def test_nobody_signs_in_without_a_second_factor() -> None:
    assert properties(POOL)["MfaConfiguration"] == "ON"


def test_the_second_factor_is_an_application_and_no_text_message() -> None:
    assert properties(POOL)["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]
    assert "SmsConfiguration" not in properties(POOL)


def test_no_remembered_device_stands_in_for_the_second_factor() -> None:
    assert "DeviceConfiguration" not in properties(POOL)


def test_passwords_are_long_and_of_every_kind() -> None:
    policy = properties(POOL)["Policies"]["PasswordPolicy"]
    assert policy["MinimumLength"] >= 14
    assert all(policy[f"Require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers", "Symbols"))


def test_a_first_password_holds_for_a_day() -> None:
    assert properties(POOL)["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"] == 1


def test_nobody_signs_up_by_themselves() -> None:
    assert properties(POOL)["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}


def test_a_mailbox_is_no_way_in() -> None:
    recovery = properties(POOL)["AccountRecoverySetting"]["RecoveryMechanisms"]
    assert [each["Name"] for each in recovery] == ["admin_only"]


def test_nobody_can_write_a_phone_number_into_the_pool() -> None:
    assert properties(CLIENT)["WriteAttributes"] == ["name"]


def test_the_pool_asks_for_no_phone_number() -> None:
    assert not {"Schema", "AliasAttributes", "UsernameAttributes", "AutoVerifiedAttributes"} & properties(POOL).keys()


def test_the_pool_runs_no_code_of_its_own() -> None:
    """A trigger could put any group into a token."""
    assert "LambdaConfig" not in properties(POOL)


def test_the_pool_survives_its_stack_and_slips() -> None:
    assert (POOL["DeletionPolicy"], POOL["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert properties(POOL)["DeletionProtection"] == "ACTIVE"


def test_an_access_token_lives_for_a_quarter_of_an_hour() -> None:
    assert lifetime("Access") == 15 * 60


def test_a_session_lives_for_less_than_a_day() -> None:
    assert lifetime("Refresh") < DAY_SECONDS


def test_a_session_can_be_ended() -> None:
    assert properties(CLIENT)["EnableTokenRevocation"] is True


def test_the_client_has_no_secret_that_a_browser_would_have_to_keep() -> None:
    assert properties(CLIENT)["GenerateSecret"] is False


def test_a_password_is_never_sent() -> None:
    assert set(properties(CLIENT)["ExplicitAuthFlows"]) == {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}


def test_a_name_that_does_not_exist_fails_like_a_wrong_password() -> None:
    assert properties(CLIENT)["PreventUserExistenceErrors"] == "ENABLED"


def test_the_pool_s_own_users_sign_in_and_no_others() -> None:
    assert properties(CLIENT)["SupportedIdentityProviders"] == ["COGNITO"]
    assert properties(CLIENT)["AllowedOAuthFlowsUserPoolClient"] is False


def test_the_groups_are_those_of_support_privacy_and_security() -> None:
    assert {properties(each)["GroupName"] for each in GROUPS.values()} == {"support", "privacy", "security"}


def test_a_group_brings_no_role_of_aws() -> None:
    assert not [name for name, group in GROUPS.items() if "RoleArn" in properties(group)]


def test_functions_believe_the_pool_of_the_template_and_its_client() -> None:
    stacks = translation("template")["Resources"]
    given = stacks["Functions"]["Properties"]["Parameters"]
    assert given["UserPoolIssuer"] == {"Fn::GetAtt": ["People", "Outputs.UserPoolIssuer"]}
    assert given["UserPoolClientId"] == {"Fn::GetAtt": ["People", "Outputs.UserPoolClientId"]}
    outputs = translation("people")["Outputs"]
    assert outputs["UserPoolIssuer"]["Value"] == {"Fn::GetAtt": ["UserPool", "ProviderURL"]}
    assert outputs["UserPoolClientId"]["Value"] == {"Ref": "UserPoolClient"}
