Feature: Readiness
  An application server works only with Redis and MongoDB, and says when it does not reach them.

  @ARC-05 @smoke
  Scenario: Every application server reaches its stores
    Then /ready of every application server answers 200, and finds these up
      | mongodb |
      | redis   |

  # Seen of one more process of the deployed application, on an address that no balancer knows:
  # it reaches the stores through relays, and those are cut.
  @only-replica @permit-fault
  Rule: When a store is gone

    @ARC-05 @ahead
    Scenario Outline: Readiness turns false when <store> is gone, and true when it is back
      Given one more process of the application, whose stores go and come back
      Then without <store> its /ready answers 503 within 20 s, and names no other store
      And with <store> back it answers 200 within 20 s

      Examples:
        | store   |
        | redis   |
        | mongodb |

    @PM2-14 @ahead
    Scenario: A worker neither takes traffic nor says that it is ready before it can do its work
      Given one more process of the application, whose stores go and come back
      Then it took no connection before it reached Redis
      And it did not tell PM2 that it was ready
