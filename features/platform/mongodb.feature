Feature: MongoDB
  A replica set of three members, which keeps what must not be lost: accounts, activities, ended
  sessions. golive signs in as the exporter to look; what it sends as others is refused or reads.

  Rule: Three members

    @MDB-01
    Scenario: One primary and two secondaries, all healthy
      Then the MongoDB members are
        | PRIMARY   |
        | SECONDARY |
        | SECONDARY |
      And each of them is healthy, and says the same of itself

    @MDB-01
    Scenario: A decision takes a majority of three votes
      Then 3 MongoDB members vote, and 2 of them decide

    @MDB-01
    Scenario: No secondary lags
      Then each MongoDB secondary has within 5 s what the primary has

    @advisory
    Scenario: All members run one release
      Then each MongoDB member runs release 6.0, with its features

  Rule: How the application writes

    @ENV-05 @only-replica @only-compose @permit-write
    Scenario: The end of a session is acknowledged by a majority of the members
      When a session is renewed on each application server, which inserts into dashboard-velo
      Then the primary was each time asked for w "majority"

    @ENV-05 @only-replica @only-compose @permit-write
    Scenario: A write whose answer is lost can be sent again without being done twice
      When a session is renewed on each application server, which inserts into dashboard-velo
      Then the primary was each time sent a retryable write

    @advisory @only-replica @only-compose @permit-write
    Scenario: A write does not wait for frozen secondaries without end
      When a session is renewed on each application server, which inserts into dashboard-velo
      Then the primary was each time asked to wait at most 5 s for the others

  Rule: Access

    @ENV-05 @unwaivable
    Scenario: Nobody is served without TLS
      Then no MongoDB member answers in plain text

    @ENV-05 @unwaivable
    Scenario: Nobody is served without signing in, and nobody on the same machine may make a user
      Then each MongoDB member answers Unauthorized to nobody who sends
        | database       | command                             |
        | admin          | {"listDatabases": 1}                |
        | admin          | {"serverStatus": 1}                 |
        | dashboard-velo | {"find": "users", "limit": 1}       |
        | local          | {"find": "oplog.rs", "limit": 1}    |
        | admin          | {"createUser": "none", "roles": []} |

    @ENV-05
    Scenario: The application may read and write its own database, and nothing else
      Then the MongoDB user of the application has exactly the roles
        | readWrite@dashboard-velo |
      And it may do nothing outside the database dashboard-velo
      And it may none of
        | dropDatabase   |
        | createUser     |
        | createRole     |
        | grantRole      |
        | enableProfiler |
      And it is answered Unauthorized when it sends
        | database | command                              |
        | admin    | {"find": "system.users", "limit": 1} |
        | local    | {"find": "oplog.rs", "limit": 1}     |
        | golive   | {"listCollections": 1}               |
        | admin    | {"replSetGetStatus": 1}              |

    @MDB-05
    Scenario: The exporter may look at the set, and at no data
      Then the MongoDB user of the exporter has exactly the roles
        | clusterMonitor@admin |
      And it may none of
        | insert           |
        | update           |
        | remove           |
        | createCollection |
        | dropCollection   |
        | dropDatabase     |
        | createIndex      |
        | createUser       |
        | grantRole        |
        | shutdown         |
        | replSetConfigure |
        | setParameter     |
      And it is answered Unauthorized when it sends
        | database       | command                              |
        | dashboard-velo | {"find": "users", "limit": 1}        |
        | admin          | {"find": "system.users", "limit": 1} |

    @MDB-01
    Scenario: What the members know each other by is for the database's user alone
      Then on each MongoDB member no other user can read
        | /etc/mongodb/keyfile    |
        | /etc/mongodb/member.pem |
