"""Dashboard-Velo under load, for Locust.

    golive load baseline                        a profile of profiles.yaml, judged
    locust -f loadtests/locustfile.py           by hand, with Locust's web interface

By hand it goes to a running replica (`golive up`), or to `--golive-environment staging`; never to
an address that is not that environment's, and to production only with `--yes-load-production`.
"""

import random
from contextlib import nullcontext
from urllib.parse import urlsplit

import gevent
import journeys
from locust import LoadTestShape, User, events, task
from locust.exception import StopTest

from golive.load.generator.arrivals import Arrivals
from golive.load.generator.people import Door
from golive.load.generator.recorder import Recorder
from golive.load.generator.stream import Stream
from golive.load.plan import Plan

PLAN = Plan.of_process()  # of `golive load`; None when a person has started Locust


class Present:
    """What the people of this process share; made when Locust has its environment."""

    plan: Plan
    door: Door
    stream: Stream | None = None
    recorder = Recorder()


@events.init_command_line_parser.add_listener
def options(parser, **_):
    """Which environment, where a person has started Locust."""
    group = parser.add_argument_group("golive")
    group.add_argument("--golive-environment", default="replica", help="what may be loaded")
    group.add_argument("--yes-load-production", action="store_true", help="yes, production")


@events.init.add_listener
def begin(environment, **_):
    """Open the door, for a plan or for whoever has started Locust by hand."""
    if PLAN is not None:
        Present.plan = PLAN
        Present.stream = Stream(PLAN, Present.recorder, environment)
        return
    from golive.load.by_hand import plain  # not needed by a plan, which is safe already

    chosen = environment.parsed_options
    Present.plan = plain(chosen.golive_environment, chosen.host, yes=chosen.yes_load_production)
    environment.host = f"https://{Present.plan.site}"


@events.test_start.add_listener
def still_allowed(environment, **_):
    """The web interface lets one write any address; there is only one that is meant."""
    site = Present.plan.site
    if urlsplit(environment.host or f"https://{site}").hostname != site:
        environment.runner.quit()
        raise StopTest(f"only https://{site} may be loaded, not {environment.host}")
    index = max(0, getattr(environment.runner, "worker_index", 0))
    with Present.stream.guarded() if Present.stream else nullcontext():
        if Present.stream is not None:
            Present.plan = Present.stream.shared()
        Present.door = Door(Present.plan, environment.events.request, index)


class Someone(User):
    """A person who acts, thinks, and acts again; closed: he waits for his answer."""

    abstract = True
    kind: journeys.Kind
    thinks = (1.0, 5.0)  # seconds

    def on_start(self) -> None:
        """He comes."""
        self._come()

    def _come(self) -> None:
        self.person = Present.door.enter()
        if self.kind.arrive:
            self.kind.arrive(self.person)

    @task
    def act(self) -> None:
        """One thing; after a visit's worth he leaves, and somebody else comes."""
        if self.person.asked >= Present.door.plan.visit:
            self.person.leave()
            self._come()
        self.kind.act()(self.person)

    def wait_time(self) -> float:
        """How long he thinks; a plan may have people who do not."""
        stage = PLAN and PLAN.stage_at(Present.recorder.elapsed())
        return random.uniform(*self.thinks) if stage is None or stage.think else 0.0

    def on_stop(self) -> None:
        """He leaves."""
        self.person.leave()


if PLAN is None or not PLAN.open:

    class Visitor(Someone):
        """Looks at routes and the weather."""

        kind = journeys.KINDS[0]
        weight = kind.share

    class Rider(Someone):
        """Signs in and looks at his rides."""

        kind = journeys.KINDS[1]
        weight = kind.share

    class Watcher(Someone):
        """Opens the live feed."""

        kind = journeys.KINDS[2]
        weight = kind.share
        thinks = (5.0, 15.0)


if PLAN is not None and not PLAN.open:

    class Stages(LoadTestShape):
        """The stages of the plan."""

        def tick(self):
            """How many users now; None when all is over."""
            stage = PLAN.stage_at(self.get_run_time())
            return None if stage is None else (stage.users, max(1, stage.users))


if PLAN is not None and PLAN.open:

    class World(User):
        """Requests that come at a rate. Locust starts one in each process."""

        def on_start(self) -> None:
            """The whole run."""
            with Present.stream.guarded():
                Arrivals(Present.door, journeys.KINDS, journeys.abuse, Present.recorder).run()
            Present.stream.done()

        @task
        def over(self) -> None:
            """Nothing more comes."""
            gevent.sleep(1)


random.seed()
