"""Drives the vendor's published Python package, unmodified, through all of its calls.

Run by passinfo_python_sdk.rs with the base URL as its argument and, on standard input, the
credentials as JSON; writes one JSON object with what every step gave back. It judges nothing: that
is the test's part.

`PassInfoSDKClient` takes a base URL. `PassInfoAPI` has no place for one and always makes a
`PassInfoSDKClient` with its default, https://api.passinfo.net. The package is left as it is; only
the default of that one parameter is set from here, as any program could do that has to reach
another address.
"""

import json
import sys

# The package prints errors; only this script's own result belongs on standard output.
result_file, sys.stdout = sys.stdout, sys.stderr

from passinfo_sdk.client import PassInfoSDKClient
from passinfo_sdk.exceptions import PassInfoAPIError, PassInfoSDKError
from passinfo_sdk.models import Contact, PassInfoAPI

SENDER = "Ecole"


def outcome(call, *args, **kwargs):
    """What a call gives back, or which exception it raises."""
    try:
        value = call(*args, **kwargs)
    except Exception as error:
        raised = {"raised": type(error).__name__, "says": str(error)}
        if isinstance(error, PassInfoSDKError):
            raised["status_code"] = error.status_code
            raised["has_message"] = hasattr(error, "message")
        return raised
    return shown(value)


def shown(value):
    if isinstance(value, Contact):
        return {"Contact": vars(value)}
    if isinstance(value, list):
        return [shown(item) for item in value]
    return value


def import_as_documented():
    from passinfo_sdk import PassInfoSDKClient  # noqa: F401


def messages(client, steps):
    steps["send_message"] = outcome(
        client.send_message, message="Hello World", contact="622000001", sender_name=SENDER
    )
    steps["send_message_bulk"] = outcome(
        client.send_message_bulk,
        message="Hello Everyone",
        sender_name=SENDER,
        contacts=["622000001", "622000002", "622000003"],
    )
    steps["status"] = outcome(client.get_message_status, steps["send_message"]["message"])
    steps["status_bulk"] = outcome(
        client.get_message_status_bulk, steps["send_message_bulk"]["batch_id"]
    )
    steps["sms_count"] = outcome(client.get_sms_count)


def contacts(client, api, steps):
    steps["create_contact"] = outcome(
        api.create_contact, first_name="Jane", last_name="Doe", phone_number="622000011"
    )
    steps["create_contact_twice"] = outcome(
        api.create_contact, first_name="John", last_name="Smith", phone_number="+224622000012"
    )
    steps["create_contact_refused"] = outcome(
        api.create_contact, first_name="John", last_name="Smith", phone_number="invalid-number"
    )
    # `create_contact` drops the id of the contact, and the package has no call that makes a group:
    # both are asked for through the function on which all of its calls are built.
    steps["contact_with_id"] = outcome(
        client._make_request,
        method="POST",
        endpoint="v1/contact/add_contact",
        data={"first_name": "Awa", "last_name": "Camara", "phone_number": "622000013"},
    )
    steps["group"] = outcome(
        client._make_request, method="POST", endpoint="v1/groupe/create", data={"name": "Teachers"}
    )
    contact_id = steps["contact_with_id"]["contact_id"]
    group_id = steps["group"]["id"]
    steps["add_contact_to_group"] = outcome(api.add_contact_to_group, contact_id, group_id)
    steps["add_to_unknown_group"] = outcome(api.add_contact_to_group, contact_id, "no-such-group")
    steps["user_groups"] = outcome(api.get_user_groups)
    steps["contacts_list"] = outcome(api.get_contacts_list)
    steps["contacts_page_2"] = outcome(api.get_contacts_list, page=2, limit=2)
    steps["add_users"] = outcome(api.add_users_to_contact, contact_id, ["user-1", "user-2"])
    steps["add_users_with_client_id"] = outcome(
        client._make_request,
        method="POST",
        endpoint="v1/contact/add_users",
        data={"contact_id": contact_id, "user_ids": ["user-1", 2]},
    )
    steps["send_message_group"] = outcome(
        client.send_message_group, message="Hello Group", sender_name=SENDER, group_id=group_id
    )


def errors(client, base_url, steps):
    steps["message_is_none"] = outcome(client.send_message, None, "622000001", SENDER)
    steps["contacts_are_empty"] = outcome(client.send_message_bulk, "m", SENDER, [])
    steps["group_is_none"] = outcome(client.send_message_group, "m", SENDER, None)
    steps["id_is_none"] = outcome(client.get_message_status, None)
    steps["batch_is_none"] = outcome(client.get_message_status_bulk, None)
    steps["unknown_message"] = outcome(client.get_message_status, "1234567890")
    steps["unknown_batch"] = outcome(client.get_message_status_bulk, "1234567890")
    steps["unknown_group"] = outcome(client.send_message_group, "m", SENDER, "no-such-group")
    steps["wrong_number"] = outcome(client.send_message, "m", "phoneNumber", SENDER)
    steps["empty_message"] = outcome(client.send_message, "", "622000001", SENDER)
    stranger = PassInfoSDKClient("wrong-key", client.client_id, base_url)
    steps["wrong_key"] = outcome(stranger.send_message, "m", "622000001", SENDER)
    steps["wrong_key_sms_count"] = outcome(stranger.get_sms_count)
    nowhere = PassInfoSDKClient(client.api_key, client.client_id, base_url + "/nowhere")
    steps["unknown_path"] = outcome(nowhere.send_message, "m", "622000001", SENDER)


def key_renewal(client, api, base_url, steps):
    steps["client_renew"] = outcome(client.renew_api_key)
    steps["key_still_good"] = outcome(client.get_sms_count)
    new_key = outcome(api.renew_api_key)
    steps["api_renew_is_a_new_key"] = isinstance(new_key, str) and new_key not in ("", client.api_key)
    steps["old_key_after_renewal"] = outcome(client.send_message, "m", "622000001", SENDER)
    renewed = PassInfoSDKClient(new_key, client.client_id, base_url)
    steps["new_key_after_renewal"] = outcome(renewed.send_message, "m", "622000001", SENDER)
    by_post = outcome(renewed._make_request, method="POST", endpoint="v1/user/renew_api_key")
    steps["renew_by_post_names"] = sorted(by_post)
    last = PassInfoSDKClient(by_post["api_key"], client.client_id, base_url)
    steps["last_key_sms_count"] = outcome(last.get_sms_count)


def main():
    base_url = sys.argv[1]
    given = json.load(sys.stdin)
    api_key, client_id = given["api_key"], given["client_id"]
    PassInfoSDKClient.__init__.__defaults__ = (base_url,)
    client = PassInfoSDKClient(api_key, client_id, base_url)
    api = PassInfoAPI(api_key, client_id)
    steps = {"import_as_documented": outcome(import_as_documented)}
    messages(client, steps)
    contacts(client, api, steps)
    steps["api_sms_count"] = outcome(api.get_sms_count)
    errors(client, base_url, steps)
    key_renewal(client, api, base_url, steps)
    json.dump(steps, result_file)


main()
