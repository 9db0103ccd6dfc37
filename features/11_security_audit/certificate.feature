Feature: The site's certificate
  What the edge shows to prove that it is api.dashboard-velo.com.

  @NGX-30 @smoke
  Scenario: The chain is complete
    Then the served chain leads to a trusted root, in order, without fetching anything

  @NGX-30 @smoke
  Scenario: The certificate is for this site
    Then the certificate names the site

  @NGX-30 @smoke
  Scenario: Clients trust the certificate
    Then path, dates, key and algorithms of the certificate are trusted

  @NGX-30 @smoke
  Scenario: The certificate is not about to expire
    Then the certificate is valid for 14 more days at least

  @advisory
  Scenario: The certificate is renewed by a machine
    Then the certificate is issued for 100 days at most
