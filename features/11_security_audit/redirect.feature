Feature: From HTTP to HTTPS
  Nobody is served in clear text, and nobody is lost on the way.

  @NGX-27 @smoke
  Scenario Outline: <path> is sent to HTTPS
    When "<path>" is asked for over plain HTTP
    Then the answer is 301 to the same host and URI over HTTPS

    Examples:
      | path                                            |
      | /                                               |
      | /api/v1/weather?city=lyon&return=https%3A%2F%2F |
      | /a//b/%C3%A9t%C3%A9?x=1&x=2                     |

  @advisory
  Scenario: A form sent over plain HTTP keeps its method
    When "/api/auth/login" is sent a POST over plain HTTP
    Then the answer is 308 to the same host and URI over HTTPS
