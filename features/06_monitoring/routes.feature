Feature: Routes of alerts
  Who hears of an alert, judged by which kinds of message its route ends in (amtool config routes
  test), not by how receivers are called. An alert has all labels that it could fire with now, as
  Prometheus sends them.

  Rule: The document's table

    @ALR-10
    Scenario: A warning reaches e-mail and Slack, and not SMS
      Given the configuration that Alertmanager has loaded
      And that an SMS leaves by SNS, or by a webhook to "/send"
      Then each alert of severity warning that is loaded reaches exactly
        | email |
        | slack |

    @ALR-11
    Scenario: A critical alert reaches e-mail, Slack and SMS
      Given the configuration that Alertmanager has loaded
      And that an SMS leaves by SNS, or by a webhook to "/send"
      Then each alert of severity critical that is loaded reaches exactly
        | email |
        | slack |
        | sms   |

  Rule: What an expert would ask beyond the document

    @advisory
    Scenario: Whoever hears of an alert hears of its end
      Given the configuration that Alertmanager has loaded
      Then each message of a warning or a critical alert is followed by one when it is resolved

    @advisory
    Scenario: A storm of alerts is one message, soon
      Given the configuration that Alertmanager has loaded
      Then alerts are grouped, by alertname at least, and the first message leaves within 30 s
      And what goes on firing is said again, between 1 h and 24 h later

    @advisory
    Scenario: An alert is told at night and at weekends, too
      Given the configuration that Alertmanager has loaded
      Then each warning and each critical alert is told at any time of any day

    @advisory
    Scenario: There is no alert that nobody has a route for
      Then each alert that is loaded and asks for series is a warning or critical

    @advisory
    Scenario: No silence was forgotten
      Then nobody has silenced a warning or a critical alert that is loaded

    @advisory
    Scenario: A critical alert silences its own warning, and no other
      Given the configuration that Alertmanager has loaded
      Then of these a critical alert silences
        | critical              | warning        | instance | silenced |
        | CPU critique          | CPU élevé      | same     | yes      |
        | CPU critique          | CPU élevé      | other    | no       |
        | CPU critique          | Mémoire élevée | same     | no       |
        | Mémoire critique      | Mémoire élevée | same     | yes      |
        | Erreurs API critiques | Erreurs API    | same     | yes      |
        | Erreurs API critiques | Latence API    | same     | no       |
