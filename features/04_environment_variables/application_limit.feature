Feature: The application's rate limit
  Behind the edge's limits the application has one of its own, which all servers count together.

  @ENV-20 @ENV-21 @permit-burst @ahead
  Scenario: The application serves a client 100 requests in 15 minutes
    When a new client asks through the edge until the application refuses it
    Then it was served 100 requests, and refused with status 429 and "rate_limited"
    And it is told to come back 15 minutes after the first
    And every application server refuses it too
    But another new client is served
