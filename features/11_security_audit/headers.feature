Feature: Security headers
  Six headers, each once and with exactly this value, on whatever the edge answers.

  Rule: On what the application answers

    Background:
      Given a response of each kind
        | kind      | status |
        | page      | 200    |
        | api       | 200    |
        | not-found | 404    |
        | redirect  | 301    |
        | static    | 200    |

    @NGX-31 @smoke
    Scenario: Strict-Transport-Security
      Then each carries Strict-Transport-Security once: "max-age=63072000; includeSubDomains; preload"

    @NGX-32
    Scenario: X-Content-Type-Options
      Then each carries X-Content-Type-Options once: "nosniff"

    @NGX-33
    Scenario: X-Frame-Options
      Then each carries X-Frame-Options once: "DENY"

    @NGX-34 @smoke
    Scenario: Content-Security-Policy
      Then each carries Content-Security-Policy once: "default-src 'self'; script-src 'self' https://cdn.jsdelivr.net; style-src 'self' https://cdn.jsdelivr.net; img-src 'self' data: https:; connect-src 'self' https://api.strava.com https://api.openweathermap.org https://api.mapbox.com;"

    @NGX-35
    Scenario: Referrer-Policy
      Then each carries Referrer-Policy once: "strict-origin-when-cross-origin"

    @NGX-36
    Scenario: Permissions-Policy
      Then each carries Permissions-Policy once: "geolocation=(self), camera=(), microphone=()"

  Rule: On what the edge answers itself

    @NGX-31 @NGX-32 @NGX-33 @NGX-34 @NGX-35 @NGX-36 @permit-burst
    Scenario: A refused request carries them too
      When a new client is refused by the general limit
      Then the answer carries these as a page does
        | Strict-Transport-Security |
        | X-Content-Type-Options    |
        | X-Frame-Options           |
        | Content-Security-Policy   |
        | Referrer-Policy           |
        | Permissions-Policy        |

    @NGX-31 @NGX-32 @NGX-33 @NGX-34 @NGX-35 @NGX-36 @permit-fault
    Scenario: An error of the proxy carries them too
      When the application hangs up on a request, so that the edge answers 502
      Then the answer carries these as a page does
        | Strict-Transport-Security |
        | X-Content-Type-Options    |
        | X-Frame-Options           |
        | Content-Security-Policy   |
        | Referrer-Policy           |
        | Permissions-Policy        |
