Feature: The proxy
  What the edge makes of a request for the application, and of its answer.

  Rule: To the application

    @NGX-38 @only-replica @only-compose
    Scenario: Requests reach the application on port 3000
      When the application shows a request to "/"
      Then it was received on port 3000

    @NGX-38
    Scenario: nginx has loaded port 3000 wherever it passes requests on
      Then every server that nginx passes requests to is on port 3000

    @NGX-40 @only-replica @only-compose
    Scenario: The application sees who asked for what, and how
      When the application shows a request to "/"
      Then it saw the site's name as Host, "https" as X-Forwarded-Proto, and the client's address

    @NGX-44 @only-replica @only-compose
    Scenario: Authentication sees that too
      When the application shows a request to "/api/auth/login"
      Then it saw the site's name as Host, "https" as X-Forwarded-Proto, and the client's address

    @NGX-40 @NGX-44 @only-replica @only-compose
    Scenario Outline: A client that forges the headers of a proxy passes for nobody else at <path>
      When the application shows a request to "<path>" with forged headers
        | X-Forwarded-For   | 192.0.2.1     |
        | X-Real-IP         | 192.0.2.1     |
        | X-Forwarded-Proto | http          |
        | Forwarded         | for=192.0.2.1 |
      Then it saw the site's name as Host, "https" as X-Forwarded-Proto, and the client's address

      Examples:
        | path            |
        | /               |
        | /api/auth/login |

  Rule: WebSocket

    @NGX-39 @smoke
    Scenario: A WebSocket is opened through the proxy, and carries messages both ways
      When a client opens a WebSocket at "/ws" and says "golive"
      Then the connection is upgraded, and the application says "golive" back

    @NGX-41
    Scenario: A second WebSocket is not answered from a cache
      When a client opens a WebSocket at "/ws" and says "first"
      And a client opens a WebSocket at "/ws" and says "second"
      Then the connection is upgraded, and the application says "second" back

    @NGX-41
    Scenario: Requests for an upgrade are never looked for in a cache
      Then nginx has loaded a proxy_cache_bypass for "$http_upgrade" at "/"

  Rule: A silent application

    @NGX-42
    Scenario: The proxy waits 90 s for an answer, as loaded
      Then nginx has loaded a proxy_read_timeout of 90 s at "/"

    @NGX-42 @ahead @slow @only-replica @only-compose @permit-fault
    Scenario: A silent application is given up after 90 s, as measured
      When the application leaves a request unanswered
      Then the client is answered 504 after 89 s at least and 93 s at most

  Rule: What an expert would ask beyond the document

    @advisory @only-replica @only-compose
    Scenario: Nothing of what a client forged reaches the application
      When the application shows a request to "/" with forged headers
        | X-Forwarded-For  | 192.0.2.1        |
        | X-Forwarded-Host | attacker.example |
        | Forwarded        | for=192.0.2.1    |
      Then none of the forged values is in what it saw

    @advisory
    Scenario Outline: <path> is read differently by nginx and Node.js, and is refused
      Then "<path>" is answered 400

      Examples:
        | path                            |
        | /api/x%2f..%2fdocs              |
        | /api/x%2F..%2Fdocs              |
        | /api\docs                       |
        | /api/x%5cdocs                   |
        | /api/x#/docs                    |
        | /api/%2e%2e/docs                |

    @advisory @smoke
    Scenario: The application's metrics are not public
      Then "/metrics" is answered 404

    @advisory @only-replica @only-compose
    Scenario: A recorded ride of 1.5 MB may be uploaded
      When the application shows a POST of 1500000 bytes to "/api/v1/rides"
      Then it was received on port 3000

    @advisory @only-replica @only-compose
    Scenario: A cookie of 5 kB reaches the client
      Then "/__replica/cookie?bytes=5000" is answered 200

    @advisory @permit-burst
    Scenario: The balancer's health check is not limited
      When a new client asks for "/health" 40 times at once
      Then none is refused
