@only-replica @permit-fault @alone @slow
Feature: Failover
  What users see when one part of the deployment is lost: under 30 requests a second through the
  edge, one part after the other is killed, and started again. A request of status needs the
  application alone, one that reads needs Redis or MongoDB, one that writes the MongoDB primary.

  Rule: Application servers

    @ARC-03
    Scenario: Losing an application server loses no request that the balancer can retry
      Given all processes of an application server are killed under traffic
      Then of 40 requests of status and reading at least, until it is ready again, none was lost

    @ARC-03
    Scenario: An application server that is back receives requests again
      Given all processes of an application server are killed under traffic
      Then it answers requests again 12 s after it is ready

    @ARC-03
    Scenario: An application server that stalls for 2 s delays requests, and loses none
      Given an application server answers nobody for 2 s under traffic
      Then of 20 requests of status at least none was lost, and none took longer than 4 s

    @ARC-04
    Scenario: A fourth application server has its share of the requests, and nobody notices
      Given a fourth application server is added under traffic, and removed again
      Then it answers at least half as many requests as each of the others does
      And of 25 requests at least none was lost
      And the processes of the others are the same as before
      And it answers none any more once it is removed

  Rule: MongoDB

    # The stack's members miss a primary after 5 s (replica-set.json, electionTimeoutMillis), not
    # after MongoDB's 10 s: they stand in one region, and each second is one without writes. A new
    # primary waits for what every member has before it takes writes; one that is frozen is given
    # up after 3 s (heartbeatTimeoutSecs) instead of 10.

    @ARC-06
    Scenario: Another member leads when the MongoDB primary is killed, and writes resume
      Given the MongoDB primary is killed under traffic
      Then another member is the primary within 12 s
      And writes are acknowledged again within 15 s

    @ARC-06
    Scenario: No acknowledged write is lost with the MongoDB primary
      Given the MongoDB primary is killed under traffic
      Then of 30 acknowledged writes at least the new primary has all
      And so has the old one, when it leads again

    @ARC-06
    Scenario: Another member leads when the MongoDB primary freezes, and writes resume
      Given the MongoDB primary is frozen under traffic
      Then another member is the primary within 12 s
      And writes are acknowledged again within 15 s

    @ARC-06
    Scenario: No acknowledged write is lost with a MongoDB primary that freezes
      Given the MongoDB primary is frozen under traffic
      Then of 10 acknowledged writes at least the new primary has all
      And so has the old one, when it leads again

  Rule: The network between the application servers and MongoDB
    Packets vanish, and nobody is told: no connection is refused, none is closed.

    @ARC-06
    Scenario: Cut off from MongoDB, an application server leaves nobody waiting
      Given the network between the application servers and MongoDB is cut for 8 s under traffic
      Then of 100 requests of status at least none was lost
      And of 40 writes at least each was refused or acknowledged within 4.5 s

    @ARC-06
    Scenario: Writes go on by themselves when the network is mended
      Given the network between the application servers and MongoDB is cut for 8 s under traffic
      Then writes are acknowledged again within 10 s, by the same processes

    @ARC-06
    Scenario: No acknowledged write is lost with the network
      Given the network between the application servers and MongoDB is cut for 8 s under traffic
      Then of 40 acknowledged writes at least the primary has all

  Rule: Redis

    @ARC-07
    Scenario Outline: The application serves without the Redis <node>
      Given the Redis <node> is killed under traffic
      Then of 150 requests at least, until it is back, none was lost, and none took longer than 2 s
      And it is back, and in use, within 10 s of its start

      Examples:
        | node    |
        | replica |
        | primary |

  Rule: Afterwards

    @ARC-03 @ARC-06 @ARC-07
    Scenario: Everything is as it was before
      Given one part after the other was lost, and started again
      Then every process, role and link of the replica is as before
