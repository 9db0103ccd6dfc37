@CHK-03
Feature: The description of the API
  An OpenAPI document, which programs rely on: it is up to date when the API answers as it says.

  Background:
    Given the API's description at "/api/docs/openapi.json"

  @ahead
  Scenario: The description follows its specification
    Then it breaks no rule of the OpenAPI Specification that it names

  @smoke
  Scenario: The description is of this release
    Then its version is that of the release
    And its version is that of the application on every server

  @only-replica
  Scenario: Every route of the application is described
    Then every route that Express has on any application server is described

  @only-replica
  Scenario: Every operation that is described is served
    Then every operation that is described is a route of Express, or answers, one of
      | 101 |
      | 200 |

  @ahead
  Scenario: What everybody may read is answered as described
    When each operation that reads without signing in is sent its example and 2 right requests
    Then each answer has a status, headers and a body that are described
    And each example is answered with success

  @ahead @permit-write
  Scenario: Every operation answers as described, also to what is wrong
    When each operation is sent its example, 2 right requests and 2 wrong ones
    Then each answer has a status, headers and a body that are described
    And what is wrong is refused
    And of each operation that needs to be signed in for, an example is answered with success
