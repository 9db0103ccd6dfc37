Feature: HTTPS

  @SHOP-01 @smoke
  Scenario: Whoever asks over plain HTTP is sent to HTTPS
    When "/bread" is asked for over plain HTTP
    Then the answer is 301 to the same host and URI over HTTPS

  @advisory
  Scenario: Only TLS 1.2 and TLS 1.3 are accepted
    Then the accepted protocol versions are exactly
      | TLSv1.2 |
      | TLSv1.3 |
