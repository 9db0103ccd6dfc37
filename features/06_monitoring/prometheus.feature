Feature: Prometheus
  What is measured, how often, and whether the rules in force are those that were deployed and
  can do their work.

  Rule: Scraping

    @PRM-01
    Scenario: Every target is scraped every 15 s
      Then every target is scraped every 15 s, and was within the last 30 s

    @PRM-05 @ARC-08 @ahead
    Scenario: The host of every server is measured
      Then the job "node-exporter" is up on port 9100 of each of
        | edge       |
        | app        |
        | monitoring |

    @PRM-06 @ahead
    Scenario: Every application server is measured
      Then the job "api-server" is up on port 3000 of each of
        | app |
      And it is scraped at "/metrics"

    @PRM-06 @only-replica @only-compose
    Scenario: An application server counts what all of its workers served
      When 40 requests on connections of their own are sent to each application server
      Then its metrics count 40 requests more, whichever worker is asked

    @PRM-07 @ahead
    Scenario: Every Redis is measured
      Then the job "redis" is up by port 9121 for each of
        | redis |

    @PRM-08 @MDB-05 @ahead
    Scenario: Every MongoDB member is measured
      Then the job "mongodb" is up by port 9216
      And a series "mongodb_up" is 1 for each of
        | mongo |

  Rule: Rules

    @PRM-02
    Scenario: Rules are evaluated every 15 s
      Then every rule is evaluated every 15 s, and was within the last 30 s
      And no evaluation was left out within the last 15 min

    @PRM-04
    Scenario: The rules in force are those of the file
      Then the rules loaded from "/etc/prometheus/alerts.yml" are those of the file now
      And the last reload of the configuration succeeded

    @CHK-06 @PRM-04 @ahead
    Scenario: Every rule is healthy, and none can never fire
      Then every rule is healthy
      And every selector of every rule matches a series, whatever the value of
        | status | an error is counted from the first one on |
      And every window of a rule holds at least two scrapes

  Rule: Alertmanager

    @PRM-03
    Scenario: Prometheus is connected to Alertmanager
      Then exactly 1 Alertmanager is active, on port 9093, and none was dropped
      And it answers that it is ready
