@permit-burst
Feature: Rate limits
  Each client address may do so much a second, and so much at once. Measured by a client of its
  own for each scenario: what a bucket takes at once, and what comes back of it over time.

  Rule: The general limit

    @NGX-37 @ahead
    Scenario: A burst of 20 is served at once, and the next request is refused
      When a new client fills its general limit
      Then it is served at once a burst of 20

    @NGX-25 @ahead
    Scenario: 10 requests a second
      When a new client fills its general limit
      Then it is given back 10 requests a second

  Rule: The authentication limit

    @NGX-43 @ahead
    Scenario: A burst of 10 authentications is served at once, and the next is refused
      When a new client fills its authentication limit
      Then it is served at once a burst of 10

    @NGX-26 @ahead
    Scenario: 5 authentications a minute
      When a new client fills its authentication limit
      Then it is given back 5 requests a minute

    @NGX-26
    Scenario: No other spelling of the path is a way round the authentication limit
      When a new client is refused by the authentication limit
      Then it is refused on these paths too
        | /API/auth/login     |
        | /api/Auth/LOGIN     |
        | /api/v1/auth/login  |
        | //api/./auth/login  |
        | /api/x/../auth/login |

  Rule: Each client has a limit of its own

    @NGX-25
    Scenario: A refused client leaves another the whole of its general limit
      When a new client is refused by the general limit
      Then another new client is served as much at once as the first

    @NGX-26
    Scenario: A refused client leaves another the whole of its authentication limit
      When a new client is refused by the authentication limit
      Then another new client is served as much at once as the first

    @NGX-26
    Scenario: A client cannot pass itself off as another
      When a new client is refused by the authentication limit
      Then it is refused too when it claims another address in one of
        | X-Forwarded-For  |
        | X-Real-IP        |
        | CF-Connecting-IP |
        | Forwarded        |

    @NGX-26 @only-replica @only-compose
    Scenario: People behind the CDN have a limit each
      When somebody behind the CDN is refused by the authentication limit
      Then somebody else behind the same address of the CDN is served

    @NGX-26 @only-replica @only-compose
    Scenario: An IPv6 household has one limit, whatever addresses it takes
      When somebody with IPv6 behind the CDN is refused by the authentication limit
      Then another address of the same /64 is refused too
      But an address of another /64 is served

  Rule: What an expert would ask beyond the document

    @advisory
    Scenario Outline: A client refused by the <limit> limit is told when to come back
      When a new client is refused by the <limit> limit
      Then the refusal has status 429, JSON, and a Retry-After of <seconds> s

      Examples:
        | limit          | seconds |
        | general        | 1       |
        | authentication | 12      |
