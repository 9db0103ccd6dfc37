Feature: The virtual host
  The edge answers to the site's name, and to nobody else's.

  @NGX-29 @smoke
  Scenario Outline: It answers to its name, <written>
    Then a client that calls the host "<host>" is served

    Examples:
      | written            | host                       |
      | as it is           | api.dashboard-velo.com     |
      | in capitals        | API.Dashboard-Velo.COM     |
      | with the port      | api.dashboard-velo.com:443 |

  @NGX-29
  Scenario Outline: It does not answer to <host> over HTTPS
    Then a client that calls the host "<host>" is not served

    Examples:
      | host                          |
      | attacker.example              |
      | dashboard-velo.com            |
      | x.api.dashboard-velo.com      |
      | api.dashboard-velo.com.attacker.example |
      | 192.0.2.1                     |

  @NGX-29
  Scenario Outline: It sends nobody to <host> from plain HTTP
    Then a client that calls the host "<host>" over plain HTTP is neither served nor sent there

    Examples:
      | host               |
      | attacker.example   |
      | dashboard-velo.com |
      | 192.0.2.1          |

  Rule: What an expert would ask beyond the document

    @advisory
    Scenario Outline: A client that asks for <whom> is not shown the site's certificate
      Then a TLS client that asks for <whom> is not shown the certificate of "api.dashboard-velo.com"

      Examples:
        | whom               |
        | nobody             |
        | attacker.example   |
        | dashboard-velo.com |

    @advisory @only-replica @only-compose
    Scenario: The certificate can be renewed: the challenge is answered over plain HTTP
      When the renewal of the certificate puts a challenge on the edge
      Then the challenge is answered over plain HTTP
