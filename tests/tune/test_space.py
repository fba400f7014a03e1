"""What is searched: read from a line, never executed, and refused where the model would not take it."""

import pytest

from isthmus import VAE, Autoencoder
from isthmus.errors import UsageError
from isthmus.tune import Choice, Range, default_space, read_search
from isthmus.tune.command import command
from isthmus.tune.space import applied, check_space

SHAPE = (1, 8, 8)


def test_a_line_becomes_ranges_and_choices_and_back() -> None:
    text = (
        "latent=2..32 log, learning_rate=0.0001..0.01 log, net_hidden=64,32|128, batch_norm=no|yes, likelihood=gaussian"
    )
    model = VAE(net="mlp")
    found = read_search(text.replace(" batch_norm", " net_batch_norm"), model)
    assert found[0] == Range("latent", 2, 32, log=True, whole=True)
    assert found[1] == Range("learning_rate", 0.0001, 0.01, log=True)
    assert found[2] == Choice("net_hidden", ("64,32", "128"))
    assert read_search(", ".join(map(str, found)), model) == found
    check_space(found, model, SHAPE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("latent", "says no range"),
        ("latent=2..", "cannot be read"),
        ("latent=9..2", "is no range"),
        ("latent=2.5..9", "cannot be read"),
        ("learning_rate=0..1 log", "is no range"),
        ("learning_rate=nan..1", "is no range"),
        ("likelihood=1..2", "is no number"),
        ("size=1..2", "no field size"),
        ("seed=0..9", "no field seed"),
        ("net_stride=1..2", "no field net_stride"),
        ("net=nothing", "cannot be read"),
        ("latent=2..4, latent=3..5", "searched twice"),
        ("beta=__import__('os').getpid()", "cannot be read"),
    ],
)
def test_what_is_no_search_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_search(text, VAE(net="mlp"))


@pytest.mark.parametrize("text", ["latent=0..4", "likelihood=gaussian|poisson", "net=mlp|conv, net_batch_norm=yes|no"])
def test_a_search_that_leads_to_what_the_model_refuses_is_refused_before_it_begins(text: str) -> None:
    model = VAE(net="mlp")
    with pytest.raises(UsageError):
        check_space(read_search(text, model), model, SHAPE)


def test_the_default_search_has_the_model_s_own_fields_and_holds_its_default() -> None:
    names = [one.name for one in default_space(VAE(), SHAPE)]
    assert names == ["latent", "beta", "learning_rate", "width"]
    assert [one.name for one in default_space(Autoencoder(), SHAPE, {"latent"})] == ["learning_rate", "width"]
    sizes = default_space(VAE(latent=500), SHAPE)[0]
    assert sizes.holds(500)


def test_a_setting_is_applied_to_a_copy() -> None:
    model = Autoencoder(net="mlp")
    made = applied(model, {"latent": 3, "width": "2", "net_activation": "relu"}, SHAPE)
    assert (made.latent, made.net.hidden, made.net.activation) == (3, (512, 256, 128), "relu")
    assert (model.latent, model.net) == (16, "mlp")
    conv = applied(Autoencoder(net="conv"), {"width": "0.5"}, (1, 28, 28))
    assert conv.net.channels == (16, 32)


def test_the_command_of_a_setting_parses_to_the_setting() -> None:
    import shlex

    from isthmus import cli
    from isthmus.cli._fields import estimator_from

    model = VAE(net="mlp")
    values = {"latent": 16, "beta": 0.31, "learning_rate": 0.0123, "width": "2"}
    words = shlex.split(command(model, values, SHAPE).replace("PATH", "digits"))[1:]
    assert {"--latent", "--beta"} <= set(words)
    read = estimator_from(cli.parser(words).parse_args(words))
    meant = applied(model, values, SHAPE)
    assert read.net.get_params() == meant.net.get_params()
    assert {**read.get_params(deep=False), "net": 0} == {**meant.get_params(deep=False), "net": 0}
