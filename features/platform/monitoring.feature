Feature: What is monitored
  Prometheus watches the balancer, every server and the databases.

  @ARC-08 @ahead
  Scenario: Every server is watched
    Then the "node-exporter" of each host of these roles is scraped by Prometheus, and up
      | edge       |
      | app        |
      | monitoring |

  @MDB-05 @ahead
  Scenario: Every MongoDB member is watched
    Then "mongodb_up" is 1 in Prometheus for as many members as there are

  @MDB-05
  Scenario: There are alerts on MongoDB
    Then Prometheus has loaded an alert on a metric "mongodb_", and evaluates it without an error
