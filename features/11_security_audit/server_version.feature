Feature: The server's version
  Whoever looks for a vulnerable server is not told which version runs here.

  @NGX-09 @smoke
  Scenario: The Server header has no version
    Given a response of each kind
      | kind      | status |
      | page      | 200    |
      | api       | 200    |
      | not-found | 404    |
      | redirect  | 301    |
      | static    | 200    |
    Then the Server header of each has no version

  @NGX-09
  Scenario: The edge's own error page has no version
    When the edge refuses a malformed request with its own page
    Then neither the page nor its Server header has a version
