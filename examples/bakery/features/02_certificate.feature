Feature: Certificate

  @SHOP-02
  Scenario: The certificate is not about to expire
    Then the certificate is valid for 14 more days at least
