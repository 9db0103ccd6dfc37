Feature: The documentation of the API
  A page for people, which is worth nothing without its scripts and styles.

  @NGX-47 @smoke
  Scenario: The documentation is served under /api/docs
    When the documentation is opened at "/api/docs"
    Then it is an HTML page that loads scripts and styles

  @NGX-47 @smoke
  Scenario: Every asset that the page needs is there
    When the documentation is opened at "/api/docs"
    Then each script, style and image that it names is served as such

  @NGX-47
  Scenario: The API's description, which its script loads, is there
    When the documentation is opened at "/api/docs"
    Then what its script loads is an OpenAPI document of this API

  @CHK-03 @ahead
  Scenario: The page works in a browser
    When a browser opens the documentation at "/api/docs"
    Then it shows every operation that the API's description at "/api/docs/openapi.json" has
    And nothing is complained of

  @CHK-03 @ahead
  Scenario: The page asks nothing of other sites
    When a browser opens the documentation at "/api/docs"
    Then all that it asked for is on the site

  Rule: What an expert would ask beyond the document

    @advisory
    Scenario: The page holds no script or style that its Content-Security-Policy forbids
      When the documentation is opened at "/api/docs"
      Then its scripts and styles come from files, and from places that its policy allows

    @advisory @permit-burst
    Scenario: The documentation is limited as everything else
      When a new client asks for "/api/docs/" 40 times at once
      Then some are refused
