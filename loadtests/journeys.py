"""What people do on Dashboard-Velo: each act is one request, of a Person.

Shares and weights are those of a dashboard: it is looked at more often than it is signed in to.
"""

import random
import time

from websocket import WebSocket

from golive.load.generator.arrivals import Kind
from golive.load.generator.people import TIMEOUT_S, Person

CITIES = ("paris", "lyon", "marseille", "toulouse", "nantes", "strasbourg")
WORDS = ("tour", "quais", "canal", "col", "boucle", "piste")
RIDES, ROUTES = 24, 6
RENEWED_S = 20 * 60  # an access token lives 30 minutes

API = "/api/v1"
RIDER = f"{API}/riders/demo"
MINE = f"{API}/riders/me"


# Everybody


def style(person: Person) -> None:
    """A static file."""
    person.get("/app.css")


def weather(person: Person) -> None:
    """The weather of a city."""
    person.get(f"{API}/weather?city={random.choice(CITIES)}")


def routes(person: Person) -> None:
    """The list of routes."""
    person.get(f"{API}/routes")


def route(person: Person) -> None:
    """One route with its track."""
    person.get(f"{API}/routes/route-{random.randint(1, ROUTES)}", f"{API}/routes/:id")


def search(person: Person) -> None:
    """A search in the routes."""
    person.get(f"{API}/search?q={random.choice(WORDS)}")


# Riders, who sign in


def sign_in(person: Person) -> None:
    """Once a visit; nobody signs in twice at the same time."""
    account = person.plan.account
    if account is None or person.signing_in:
        return weather(person)
    person.signing_in = True
    try:
        body = {"email": account.email, "password": account.password}
        answer = person.post(f"{API}/auth/login", body)
        if answer.status_code == 200:
            person.tokens, person.renewed = answer.json(), time.monotonic()
    finally:
        person.signing_in = False
    return None


def renew(person: Person) -> None:
    """A new pair of tokens for the old one; two at once would end the session."""
    old, person.tokens = person.tokens, dict(person.tokens)
    refresh = person.tokens.pop("refreshToken", None)
    if refresh is None:
        return dashboard(person)
    answer = person.post(f"{API}/auth/refresh", {"refreshToken": refresh})
    if answer.status_code == 200:
        person.tokens, person.renewed = answer.json(), time.monotonic()
    else:
        person.tokens = old
    return None


def signed_in(act):
    """The act of somebody who has signed in; else, or when that is long ago, he does this."""

    def acting(person: Person) -> None:
        if not person.tokens:
            sign_in(person)
        elif time.monotonic() - person.renewed > RENEWED_S:
            renew(person)
        else:
            act(person)

    return acting


@signed_in
def dashboard(person: Person) -> None:
    """The sums on the first page."""
    person.get(f"{RIDER}/statistics")


@signed_in
def activities(person: Person) -> None:
    """The latest rides."""
    person.get(f"{RIDER}/activities?limit=20&offset={random.choice((0, 0, 0, 20))}")


@signed_in
def activity(person: Person) -> None:
    """One ride."""
    person.get(f"{RIDER}/activities/demo-{random.randint(1, RIDES):03}", f"{RIDER}/activities/:id")


@signed_in
def track(person: Person) -> None:
    """Its track: the largest answer."""
    ride = f"{RIDER}/activities/demo-{random.randint(1, RIDES):03}/track"
    person.get(ride, f"{RIDER}/activities/:id/track")


@signed_in
def own(person: Person) -> None:
    """One's own rides: none, with the account of a load test."""
    person.get(f"{MINE}/activities")


# Watchers, who keep a feed open


def feed(person: Person) -> None:
    """Open the live feed, send something, get it back."""
    person.measured("WS /ws", lambda: _echo(person))


def _echo(person: Person) -> int:
    feed = WebSocket()
    feed.settimeout(TIMEOUT_S)
    stream = person.connect()
    try:
        feed.connect(f"wss://{person.plan.site}/ws", socket=stream)
        hello = feed.recv()
        feed.send("golive")
        answer = feed.recv()
        if "golive" not in answer:
            raise ValueError(f"not an echo: {answer[:40]}")
        return len(hello) + len(answer)
    finally:
        stream.close()


# Somebody who keeps to no limit


def abuse(person: Person) -> None:
    """The same cheap question, again and again."""
    person.get(f"{API}/weather?city=paris")


VISITORS = ((2, style), (3, weather), (2, routes), (2, route), (2, search))
RIDERS = ((4, dashboard), (4, activities), (2, activity), (3, track), (1, own), (2, weather))
RENEWALS = ((1, renew),)

KINDS = (
    Kind("visitor", 40, None, VISITORS),
    Kind("rider", 55, sign_in, (*((10 * w, act) for w, act in RIDERS), *RENEWALS)),
    Kind("watcher", 5, None, ((1, feed),)),
)
