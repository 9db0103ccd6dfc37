Feature: Redis
  A primary and two replicas, which keep what may be lost: cached answers and counted requests.
  golive signs in as the exporter to look, and as the administrator for keys and permissions.

  Rule: Three nodes

    @RDS-01
    Scenario: One primary, and two replicas that follow it
      Then of 3 Redis nodes exactly one is the primary
      And it has 2 replicas online
      And each of the others follows it, its link up

    @RDS-01
    Scenario: No replica is far behind
      Then each replica is at most 1024 kB behind the primary, and was heard at most 10 s ago

  Rule: Memory

    @RDS-03
    Scenario: Each node has a limit of its memory, under its 8 GB
      Then maxmemory is set on each Redis node, under 8 GiB

    @RDS-03 @only-deployed
    Scenario: The limit is under the memory of the machine
      Then maxmemory is under the memory of the machine of each Redis node

    @RDS-04
    Scenario: The policy of each node that runs is volatile-lru
      Then the eviction policy of each Redis node is volatile-lru

    @RDS-04 @only-replica
    Scenario: A full memory evicts keys with a TTL, and none without
      When a server with the primary's file and policy is filled with keys, some without a TTL
      Then all keys without a TTL are there
      And some keys with a TTL were evicted, and no write was refused

    @RDS-04 @only-replica
    Scenario: A memory full of keys without a TTL refuses to write, and loses none
      When a server with the primary's file and policy is filled with keys, some without a TTL
      And it is filled with keys without a TTL until nothing else is left
      Then writes are refused, and all keys without a TTL are there

    @RDS-04 @advisory
    Scenario: A quarter of the 6.4 GiB of a cache.m5.large is left for snapshots and buffers
      Then maxmemory is set on each Redis node, under 4.8 GiB

  Rule: What the application writes

    Background:
      When a client asks "/api/v1/search?q=" for a word that nobody asked for
      Then the application keeps the answer in Redis

    @ENV-11
    Scenario: Every key has the application's prefix
      Then each Redis key begins with "dv:"

    @RDS-04
    Scenario: Every key can be evicted: it has a TTL
      Then each Redis key has a TTL of at most 60 minutes

    @ENV-10
    Scenario: Only one database is used
      Then only the Redis database 0 has keys

  Rule: Access

    @ENV-09 @unwaivable
    Scenario: Nobody is served without the password
      Then each Redis node answers NOAUTH to somebody without a password who sends
        | PING              |
        | GET dv:cache:none |
        | INFO server       |
        | CONFIG GET port   |

    @ENV-09
    Scenario: A wrong password is refused
      Then each Redis node answers WRONGPASS to a wrong password

    @ENV-09
    Scenario: The application may run no command that is dangerous
      Then the application's Redis password allows none of
        | FLUSHALL                            |
        | FLUSHDB                             |
        | KEYS *                              |
        | CONFIG GET *                        |
        | CONFIG SET maxmemory 0              |
        | CONFIG REWRITE                      |
        | ACL LIST                            |
        | ACL SETUSER default nopass          |
        | CLIENT KILL TYPE normal             |
        | DEBUG SLEEP 0                       |
        | SHUTDOWN NOSAVE                     |
        | REPLICAOF NO ONE                    |
        | FAILOVER                            |
        | SAVE                                |
        | BGSAVE                              |
        | MONITOR                             |
        | SWAPDB 0 1                          |
        | MODULE LOAD none                    |
        | MIGRATE none 6379 dv:none 0 1       |
        | FUNCTION FLUSH                      |
        | SCRIPT FLUSH                        |
      And "CONFIG GET port", sent with it, is answered NOPERM

    @ENV-11
    Scenario: The application may touch no key of another prefix
      Then the application's Redis password allows none of
        | GET golive:none   |
        | SET golive:none 1 |
        | DEL golive:none   |
      And "GET golive:none", sent with it, is answered NOPERM
      But "GET dv:golive:none", sent with it, is served

  Rule: Snapshots

    @RDS-05
    Scenario: A snapshot is made every 60 minutes when anything has changed
      Then the snapshot schedule of each Redis node is "3600 1"
      And its last snapshot went well, and no change is older than 65 minutes without one
