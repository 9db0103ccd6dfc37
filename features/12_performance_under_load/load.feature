@permit-load @CHK-12
Feature: Performance under load
  People, each from an address of his own, look at the dashboard at a rate that does not wait for
  the answers. The rate is 25 requests a second, for three seconds 60 and a client who keeps to no
  limit besides. How long a request takes counts from the instant at which it was due.

  "With 95 % confidence" is an exact bound (Clopper-Pearson): 59 requests without a slow one show
  that 95 % are fast, 299 without an error that fewer than 1 % fail, 473 with one error. Where there
  are fewer, nothing is shown.

  Background:
    Given the load of the profile "gate", judged with 95 % confidence

  Rule: What people see

    @ahead
    Scenario: The response time stays under 500 ms
      Then during "steady" at least 95 % of the requests are answered within 500 ms

    @ahead
    Scenario: Fewer than 1 % of the requests fail
      Then fewer than 1 % of the requests fail

    @ahead
    Scenario: A spike is forgotten when it is over
      Then during "after" at least 95 % of the requests are answered within 500 ms

  Rule: What the servers say of it

    @ahead
    Scenario: MongoDB answers within 100 ms
      Then at least 95 % of MongoDB's commands take 100 ms at most

    @ahead
    Scenario: No alert of the application or its stores fires
      Then none of these alerts fires
        | Latence API           |
        | Erreurs API           |
        | Erreurs API critiques |
        | Redis mémoire         |
        | MongoDB latence       |

    @ahead
    Scenario: No worker is restarted
      Then the workers are the same as before

  Rule: What an expert would ask beyond the document

    @ahead @advisory
    Scenario: A client who keeps to no limit is refused, and nobody else is
      Then the abusive client is refused some of its requests
      And nobody else is refused anything
