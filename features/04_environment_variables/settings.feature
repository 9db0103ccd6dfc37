Feature: The settings in effect
  What every application server does, whatever its file says.

  @ENV-01 @ENV-02
  Scenario: The workers run for production, on the documented port
    Then every worker was started with
      | NODE_ENV | production |
    And every application server answers "/health" on port 3000

  @ENV-03
  Scenario: The API answers under its version, and under no other
    Then every application server answers these paths
      | /api/v1/weather?city=lyon | 200 |
      | /api/v2/weather?city=lyon | 404 |
      | /api/weather?city=lyon    | 404 |

  @ENV-04
  Scenario: Pages of the site may use the API, pages of any other may not
    Then pages of these origins may read what the edge and every application server answer
      | https://dashboard-velo.com     |
      | https://www.dashboard-velo.com |
    But pages of these may not
      | https://dashboard-velo.com.evil.example |
      | http://dashboard-velo.com               |
      | null                                    |

  @ENV-07 @ENV-08 @ENV-10 @ENV-11
  Scenario: The application's keys in Redis carry its prefix
    When every application server answers a client of its own
    Then the keys of that client, in the file's Redis, are in database 0 and begin with "dv:"

  @ENV-18 @ENV-19
  Scenario: Each line of the log is JSON, at the level info or above
    When every application server answers a request for a path that nobody else asks for
    Then its line in "/var/log/dashboard-velo/out.log" has the level "info"
    And each line there is JSON, with one of these levels
      | info  |
      | warn  |
      | error |
