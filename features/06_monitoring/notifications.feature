Feature: Notifications
  Each condition of the document's table comes about, and ends; what the receivers that stand for
  e-mail, Slack and SMS have got is read back. A Prometheus and an Alertmanager of our own have the
  replica's rules, routes and receivers, but each alert is told alone, and times are made short, as
  the evidence says: an alert that takes minutes takes seconds. Response times and errors are a real application's, reads that
  are slow a real MongoDB's; for the CPU and the memory of a server, and for a Redis that is full,
  an exporter and a Redis of our own stand, as a real one would disturb all others.

  Rule: The document's table

    @only-replica @permit-fault @ahead
    Scenario Outline: <severity>: <quantity>
      When each condition of the document's table comes about, and ends
      Then a <severity> of <quantity> is told by exactly <channels>, and names the server
      And each of these tells of its end

      @ALR-10
      Examples:
        | severity | quantity              | channels     |
        | warning  | CPU                   | email, slack |
        | warning  | memory                | email, slack |
        | warning  | response time         | email, slack |
        | warning  | Redis memory          | email, slack |
        | warning  | MongoDB response time | email, slack |

      @ALR-11
      Examples:
        | severity | quantity   | channels          |
        | critical | CPU        | email, slack, sms |
        | critical | memory     | email, slack, sms |
        | critical | error rate | email, slack, sms |

  Rule: What an expert would ask beyond the document

    @advisory @only-replica @permit-fault @ahead
    Scenario: A service outside would notice when no alert can come any more
      When each condition of the document's table comes about, and ends
      Then a heartbeat has come again and again meanwhile
