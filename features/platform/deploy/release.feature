@only-replica @permit-restart @ahead
Feature: Deployment of a good release
  deploy.sh as it is, on a server of the drill's own beside the replica: nginx with the edge's
  configuration, the application, PM2, MongoDB and Redis. Two small releases are made of the
  application, others that each fail in another way. /health is asked 40 times a second all the
  while, each time on a new connection, and in a switch requests that take 300 ms are under way.

  @DEP-20
  Scenario: The first release, where nothing was deployed before
    Given v1.0.0 is deployed on an empty server
    Then the script says that it succeeded
    And version "1.0.0" answers

  @DEP-18
  Scenario: The tag that is asked for is what is deployed
    Given v1.1.0 is deployed over it
    Then the script says that it succeeded
    And version "1.1.0" answers
    And the checkout is at the commit of the tag

  @DEP-17
  Scenario: What was deployed before is archived first, for its owner alone
    Given v1.1.0 is deployed over it
    Then exactly the files that were deployed before are in an archive
    And nobody but its owner can read it

  @DEP-08
  Scenario: The database is saved before production is touched
    Given v1.1.0 is deployed over it
    Then a snapshot with every document was complete before the new release was started

  @DEP-20
  Scenario: What a checkout has of its own stays behind
    Given v1.1.0 is deployed over it
    Then none of these is deployed
      | .git                         |
      | .env.production              |
      | .env.staging                 |
      | node_modules/release-builder |
    But these are
      | server.js                 |
      | dist/manifest.json        |
      | node_modules/release-note |

  @DEP-20
  Scenario: What users have uploaded outlives a deployment
    Given v1.1.0 is deployed over it
    Then a file in uploads/ is still there

  @DEP-21
  Scenario: The environment's own file of variables is installed
    Given v1.1.0 is deployed over it
    Then the deployed .env is the .env.production of the checkout

  @DEP-09 @DEP-22
  Scenario: No request is lost
    Given v1.1.0 is deployed over it
    Then none of 100 requests or more was lost

  @DEP-09
  Scenario: To switch back takes one order, and to switch forth again
    Given v1.1.0 is switched back to the release before, and forth again
    Then each time the other release answers within 10 seconds, and none but it
    And each time none of 10 requests or more was lost

  @ARC-04
  Scenario: One server more gets its share, and leaves the others alone
    Given the release before is added to nginx's servers
    Then each of 2 releases answers 40 % of the requests at least
    And none of 100 requests or more was lost
