@permit-load @only-deployed
Feature: Hosts under load
  The hosts of a replica share one machine, with the generator and the gate on it. Theirs can be
  judged where they have machines of their own: on staging.

  Background:
    Given the load of the profile "gate", judged with 95 % confidence

    @DEP-06 @ahead
    Scenario Outline: <quantity> of every host stays under its alert
      Then no host uses more than <percent> % of its <quantity>

      Examples:
        | quantity | percent |
        | CPU      | 80      |
        | memory   | 85      |
