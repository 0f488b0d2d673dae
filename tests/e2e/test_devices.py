"""Two devices of one account, the second made from a backup of the first as people do."""

from pathlib import Path
from typing import Any

from angarium.apps.check.trial import Trial
from angarium.lab.profile import Profile, join

SEEN = 16
"""The core's state of an incoming message that was read."""


async def second_device(first: Profile, directory: Path) -> Profile:
    directory.mkdir()
    await first.call("export_backup", str(directory), None)
    (backup,) = directory.glob("*.tar")
    number = await first.core.call("add_account")
    await first.core.call("import_backup", number, str(backup), None)
    second = Profile(first.core, number, first.address, first.password)
    for device in (first, second):  # what the app sets where it offers a second device
        await device.call("set_config", "bcc_self", "1")
    with second.when("ImapInboxIdle") as online:
        await second.call("start_io")
        await online
    return second


async def all_texts(device: Profile, chat: int) -> list[str]:
    ids = await device.call("get_message_ids", chat, False, False)
    loaded: dict[str, Any] = await device.call("get_messages", ids)
    return [message["text"] for message in loaded.values() if not message["isInfo"]]


async def test_both_devices_have_everything_once_and_agree_on_what_was_read(people: Trial, tmp_path: Path) -> None:
    ada, ben = await people.enter("Ada"), await people.enter("Ben")
    at_ben = await join(ada, ben)
    laptop = await second_device(ada, tmp_path / "backup")
    people.attend(laptop)
    contact = await ada.call("lookup_contact_id_by_addr", ben.address)
    chat = await ada.call("create_chat_by_contact_id", contact)  # the same number on both: one is a copy of the other

    received = [await people.send("in", ben, at_ben, [ada, laptop]) for _ in range(5)]
    await people.ledger.complete("in")
    sent = [await people.send("out", ada, chat, [ben]), await people.send("out", laptop, chat, [ben])]
    await people.ledger.complete("out")

    async def both_know() -> bool:
        return set(await all_texts(laptop, chat)) == set(await all_texts(ada, chat)) == {*received, *sent}

    await laptop.until(both_know)
    await ada.until(both_know)
    held = await people.held()
    assert people.ledger.tally("in", held).right
    assert people.ledger.tally("out", held).right
    for device in (ada, laptop):
        texts = await all_texts(device, chat)
        assert len(texts) == len(set(texts)) == 7

    ids = await ada.call("get_message_ids", chat, False, False)
    incoming = [number for number in ids if (await ada.call("get_message", number))["text"] in received]
    await ada.call("markseen_msgs", incoming)

    async def read_on_the_other() -> bool:
        shown = await laptop.call("get_messages", await laptop.call("get_message_ids", chat, False, False))
        return all(message["state"] == SEEN for message in shown.values() if message["text"] in received)

    await laptop.until(read_on_the_other)
