"""What the catalogue holds, and how an entry is found in it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import collectors
from bot.catalog import catalogue, find, provider_for
from bot.core.match import Vocabulary
from bot.errors import UsageError

M365 = catalogue()["microsoft-365"]
WORDS = Vocabulary(M365.components, M365.regions)


# --- the data ----------------------------------------------------------------------------------------------------


def test_every_source_is_of_a_known_kind_and_names_what_it_asks() -> None:
    for provider in catalogue().values():
        assert provider.sources
        assert len({source.id for source in provider.sources}) == len(provider.sources)
        for source in provider.sources:
            kind = collectors.REGISTRY[source.kind]
            assert source.id == f"{provider.id}/{source.name}"
            assert source.provider == provider.id
            assert not source.trusted
            assert source.private == kind.private
            assert bool(source.account) == kind.by_account
            assert urlsplit(source.url).scheme == ("" if kind.needs else "https")


def test_no_two_entries_share_an_id_an_address_or_a_name() -> None:
    addresses = [source.url for provider in catalogue().values() for source in provider.sources if source.url]
    assert len(set(addresses)) == len(addresses)
    for provider in catalogue().values():
        assert find(provider.name)[0] is provider
        for name in (provider.id, *provider.aliases):
            assert find(name)[0] is provider


def test_no_name_means_two_components_or_two_regions() -> None:
    for provider in catalogue().values():
        for table in (provider.components, provider.regions):
            words = [word.casefold() for name, others in table.items() for word in (name, *others)]
            assert len(set(words)) == len(words)


# --- Microsoft's words -------------------------------------------------------------------------------------------

# ORIGIN of the quotations: @MSFT365Status and status.cloud.microsoft on MO1221364, 22 and 23 January 2026, and on
# earlier outages, as the press quoted them.


@pytest.mark.parametrize(
    ("text", "components"),
    [
        (
            "We're investigating a potential issue impacting multiple Microsoft 365 services, including Outlook, "
            "Microsoft Defender and Microsoft Purview. Further information can be found in the admin center under "
            "MO1221364.",
            {"Exchange Online", "Microsoft Defender XDR", "Microsoft Purview"},
        ),
        (
            "searching for files in SharePoint Online and OneDrive … the Microsoft Purview and Defender XDR security "
            "dashboard and admin center",
            {"SharePoint Online", "OneDrive for Business", "Microsoft Purview", "Microsoft Defender XDR"}
            | {"Microsoft 365 admin center"},
        ),
        ("restored access to the affected services … mail flow stable", {"Exchange Online"}),
        ("Users may be unable to access the Microsoft 365 admin center.", {"Microsoft 365 admin center"}),
        ("Admins may be unable to access the admin center.", {"Microsoft 365 admin center"}),
        (
            "Exchange Online, EXO, Outlook on the web, mail flow; Teams; SharePoint Online, OneDrive; Defender XDR, "
            "Defender for Cloud Apps; Purview; Viva Engage; Fabric; Universal Print; To Do",
            {"Exchange Online", "Microsoft Teams", "SharePoint Online", "OneDrive for Business", "Microsoft Purview"}
            | {"Microsoft Defender XDR", "Microsoft Defender for Cloud Apps", "Viva Engage", "Microsoft Fabric"}
            | {"Universal Print", "Microsoft To Do"},
        ),
        ("We're investigating an issue where users may be unable to access Microsoft Teams.", {"Microsoft Teams"}),
        ("other services including Exchange Online and Yammer are also impacted", {"Exchange Online", "Viva Engage"}),
        ("Impact is limited to Outlook on the web and EXO", {"Exchange Online"}),
        ("Microsoft Defender for Cloud Apps", {"Microsoft Defender for Cloud Apps"}),
        ("other Microsoft services including M365, PowerBI.", {"Microsoft Fabric"}),
        ("the issue impacting Azure Active Directory has been mitigated", {"Microsoft Entra"}),
        (
            "Microsoft Fabric, Universal Print and Microsoft To Do",
            {"Microsoft Fabric", "Universal Print", "Microsoft To Do"},
        ),
    ],
)
def test_microsofts_services_are_recognised(text: str, components: set[str]) -> None:
    assert set(WORDS.components_in(text)) == components


@pytest.mark.parametrize(
    "text",
    [
        "More information can be found in the Admin center under TM202916",
        "Details are at https://portal.office.com/servicestatus and the admin center under MO941162.",
        "Engineering teams have identified a potential underlying cause.",
        "We're reviewing the network fabric and the steps to do next; forms, lists and streams are as planned.",
        "Users may be unable to access multiple Microsoft 365 services",
        "In exchange, a word of outlooks.",
        "This site is updated when service issues are preventing tenant administrators from accessing Service health.",
    ],
)
def test_what_stands_in_every_statement_names_no_component(text: str) -> None:
    assert WORDS.components_in(text) == ()


def test_graphs_name_for_everything_is_no_component_so_that_it_passes_every_filter() -> None:
    assert not WORDS.knows("Microsoft 365 suite")
    assert WORDS.knows("Exchange Online")
    assert WORDS.canonical("Microsoft Copilot (Microsoft 365)") == "Microsoft 365 Copilot"


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        (
            "A portion of dependent service infrastructure in the North America region isn't processing",
            ("North America",),
        ),
        ("Users in the North American region", ("North America",)),
        ("compute resources in the Central US region", ("North America",)),
        ("users in the UK and in Europe", ("Europe", "United Kingdom")),
        ("customers in Asia-Pacific, India and Australia", ("Asia Pacific", "India", "Australia")),
        ("It affects us all in any region.", ()),
    ],
)
def test_regions_are_recognised(text: str, regions: tuple[str, ...]) -> None:
    assert WORDS.regions_in(text) == regions


# --- finding one -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "provider"),
    [
        ("github", "github"),
        ("GitHub", "github"),
        ("M365", "microsoft-365"),
        ("office", "microsoft-365"),
        ("microsfot", "microsoft-365"),
        ("Micorsoft 365", "microsoft-365"),
        ("githb", "github"),
        ("jria", "jira"),
        ("slak", "slack"),
        ("pypi", "python"),
        ("digital ocean", "digitalocean"),
    ],
)
def test_an_entry_is_found_by_id_name_alias_and_typing_error(words: str, provider: str) -> None:
    assert find(words)[0].id == provider


def test_nothing_is_found_for_what_looks_like_nothing() -> None:
    assert find("xyzzy") == []
    assert find("…") == list(catalogue().values())
    assert find("") == list(catalogue().values())


@settings(max_examples=50)
@given(st.text(max_size=40))
def test_any_word_is_a_provider_or_a_plain_refusal(word: str) -> None:
    assert all(provider is catalogue()[provider.id] for provider in find(word))
    line = ""
    try:
        provider_for(word)
    except UsageError as error:
        line = str(error)
    assert line.isprintable()


# --- what a word of `watch` means --------------------------------------------------------------------------------


def test_a_catalogue_id_is_its_entry() -> None:
    assert provider_for("microsoft-365") is M365
    assert [source.kind for source in M365.sources] == ["m365-public", "x", "msgraph"]


@pytest.mark.parametrize(
    ("address", "provider", "name"),
    [
        ("https://status.example.com", "status-example-com", "status.example.com"),
        ("https://Status.Example.com/", "status-example-com", "status.example.com"),
        ("http://127.0.0.1:8081", "127-0-0-1-8081", "127.0.0.1:8081"),
        ("https://host.example/pages/Acme", "host-example-pages-acme", "host.example/pages/acme"),
    ],
)
def test_an_address_is_a_status_page_that_may_be_private(address: str, provider: str, name: str) -> None:
    found = provider_for(address)
    (page,) = found.sources
    assert (found.id, found.name) == (provider, name)
    assert (page.id, page.provider, page.kind) == (f"{provider}/page", provider, "statuspage")
    assert (page.url, page.trusted) == (address, True)


def test_the_address_of_an_entrys_page_is_that_entry() -> None:
    assert provider_for("https://www.githubstatus.com/").id == "github"


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("githb", '"githb" is no provider of the catalogue; did you mean "github"?'),
        ("xyzzy", """"xyzzy" is no provider of the catalogue; write its status page's address instead"""),
        ("status.example.com", "is no provider of the catalogue"),
        ("ftp://status.example.com", "no http or https address"),
        ("https://", "no http or https address"),
        ("https://[::1", "no http or https address"),
        ("https://a.example:99999", "no http or https address"),
        ("https://a b.example", "no http or https address"),
    ],
)
def test_an_unknown_word_is_refused_with_the_nearest(word: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        provider_for(word)
    assert says in str(caught.value)
