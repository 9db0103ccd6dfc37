Feature: Servers
  The machines are what the document asks for: size, system and versions, as each of them says
  itself. A GB is 10^9 bytes.

  Rule: The application servers

    @APP-01
    Scenario: Processors
      Then every application server has 2 CPUs

    # The kernel keeps some for itself, and a "4 GB" instance has 4 GiB: a t3.medium shows 4.1 GB.
    @APP-02
    Scenario: Memory
      Then every application server has 4 GB of memory, 10 % more or less

    @APP-03
    Scenario: Storage
      Then every application server has 50 GB of storage at least, where the application is
      And 15 % of it are free at least

    @APP-04
    Scenario: System
      Then every application server runs "Ubuntu" "22.04"

    @APP-05
    Scenario: Node.js
      Then on every application server the Node.js that runs PM2 and each worker is "v18.16.0"

    @APP-06
    Scenario: PM2
      Then on every application server the PM2 that runs is "5.3.0"

    @APP-07
    Scenario: Instance type
      Then the firmware of every application server calls it "t3.medium"

  Rule: The nodes of the databases

    # A managed node has no login: MongoDB itself says what it has.
    @MDB-02
    Scenario: Memory of the MongoDB nodes
      Then every MongoDB node has 8 GB of memory, 10 % more or less

    @MDB-03
    Scenario: Storage of the MongoDB nodes
      Then every MongoDB node has 100 GB of storage at least

    # A "cache.m5.large" has 6.4 GiB of its 8 GB for Redis, so that Redis may see less than 8 GB.
    @RDS-03
    Scenario: Memory of the Redis nodes
      Then every Redis node has 8 GB of memory, 25 % more or less

    # Redis does not know on what it runs: the account's owner has to say.
    @RDS-02 @only-deployed
    Scenario: Every Redis node is a cache.m5.large
      Then statement RDS-02 is signed off, at most 30 days ago, by
        | DBA |
