Feature: TLS
  What a client and the edge agree on before the first request.

  @NGX-10 @unwaivable @smoke
  Scenario: Only TLS 1.2 and TLS 1.3 are accepted
    Then the accepted protocol versions are exactly
      | TLSv1.2 |
      | TLSv1.3 |

  # A version that OpenSSL or the suites keep asleep shows in no handshake; an update wakes it.
  @NGX-10
  Scenario: nginx enables no other protocol
    Then every TLS virtual host that nginx has loaded enables exactly
      | TLSv1.2 |
      | TLSv1.3 |

  @NGX-12
  Scenario: The TLS 1.2 cipher suites are the documented ones, in that order
    Then the accepted TLS 1.2 cipher suites, as the certificate allows, are in this order
      | ECDHE-ECDSA-AES256-GCM-SHA384 |
      | ECDHE-RSA-AES256-GCM-SHA384   |
      | ECDHE-ECDSA-CHACHA20-POLY1305 |
      | ECDHE-RSA-CHACHA20-POLY1305   |
      | ECDHE-ECDSA-AES128-GCM-SHA256 |
      | ECDHE-RSA-AES128-GCM-SHA256   |

  @NGX-11
  Scenario: The server chooses the cipher suite, whatever the client prefers
    Then the server's order of cipher suites holds against the client's

  @NGX-28
  Scenario: HTTP/2 is negotiated by ALPN
    When a client offers the protocols "h2, http/1.1"
    Then the server chooses "h2"

  @NGX-28
  Scenario: A client without HTTP/2 is served HTTP/1.1
    When a client offers the protocols "http/1.1"
    Then the server chooses "http/1.1"

  Rule: Sessions

    @NGX-13
    Scenario: A TLS 1.2 session resumes from the shared cache, whichever worker answers
      Then every connection resumes a TLS 1.2 session by its id

    @NGX-13
    Scenario: A TLS 1.3 session resumes too
      Then every connection resumes a TLS 1.3 session

    @NGX-14
    Scenario: A session lives 10 minutes
      Then a session may be resumed for 10 minutes

    @NGX-15
    Scenario: No session tickets are issued
      Then neither TLS 1.2 nor TLS 1.3 hands out a ticket that holds the session

  Rule: OCSP stapling, where the certificate names a responder

    @NGX-16
    Scenario: An OCSP response is stapled
      Then every handshake has a stapled OCSP response

    @NGX-17
    Scenario: The stapled response is valid and fresh
      Then the stapled OCSP response says that this certificate is good
      And it is signed for the issuer, and neither older nor newer than it says

  Rule: What an expert would ask beyond the document

    @advisory
    Scenario: No curve beyond the common ones
      Then the accepted curves are exactly
        | X25519    |
        | secp256r1 |
        | secp384r1 |
