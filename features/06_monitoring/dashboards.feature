Feature: Dashboards of Grafana
  The document's six dashboards: as files that Grafana loads when it starts, each query of which
  is put to the environment's Prometheus; and, where the environment names a Grafana, as it has
  them. Units are Grafana's own names.

  Rule: The document's six dashboards

    Background:
      Given the dashboards below "/etc/grafana"

    @GRF-01 @ahead
    Scenario: Vue d'Ensemble
      Then the dashboard "Vue d'Ensemble" shows
        | panel            | unit    |
        | CPU              | percent |
        | Mémoire          | percent |
        | Requêtes         | reqps   |
        | Temps de réponse | s       |
        | Taux d'erreur    | percent |
      And each of its queries returns data, and asks for series that there are, whatever the value of
        | status   |
        | severity |

    @GRF-02 @ahead
    Scenario: API
      Then the dashboard "API" shows
        | panel                      | unit    |
        | Performances des endpoints | reqps   |
        | Performances des endpoints | s       |
        | Temps de réponse           | s       |
        | Taux d'erreur              | percent |
      And each of its queries returns data, and asks for series that there are, whatever the value of
        | status |

    @GRF-03 @ahead
    Scenario: Redis
      Then the dashboard "Redis" shows
        | panel               | unit    |
        | Utilisation mémoire | percent |
        | Opérations/sec      | ops     |
        | Taux de hit         | percent |
        | Taux de miss        | percent |
      And each of its queries returns data, and asks for series that there are, whatever the value of
        | status |

    @GRF-04 @ahead
    Scenario: MongoDB
      Then the dashboard "MongoDB" shows
        | panel               | unit  |
        | Opérations/sec      | ops   |
        | Temps de réponse    | ms    |
        | Utilisation mémoire | bytes |
      And each of its queries returns data, and asks for series that there are, whatever the value of
        | status |

    @GRF-05 @ahead
    Scenario: Système
      Then the dashboard "Système" shows
        | panel   | unit    |
        | CPU     | percent |
        | Mémoire | percent |
        | Disque  | percent |
        | Réseau  | Bps     |
      And each of its queries returns data, and asks for series that there are, whatever the value of
        | status |

    @GRF-06 @ahead
    Scenario: Sécurité
      Then the dashboard "Sécurité" shows
        | panel                   | unit  |
        | Tentatives de connexion | cps   |
        | Requêtes bloquées       | reqps |
        | Activité suspecte       | reqps |
      And each of its queries returns data, and asks for series that there are, whatever the value of
        | status |

  Rule: As Grafana has them

    @GRF-01 @GRF-02 @GRF-03 @GRF-04 @GRF-05 @GRF-06 @only-deployed
    Scenario: Grafana has the six dashboards, and each of their queries returns data
      Given the Grafana that the environment names
      And the dashboards below "/etc/grafana"
      Then it has the dashboards
        | Vue d'Ensemble |
        | API            |
        | Redis          |
        | MongoDB        |
        | Système        |
        | Sécurité       |
      And their panels have the titles, units, thresholds and queries that the files have
      And each data source that they ask is healthy
      And each query of theirs returns data there

  Rule: What an expert would ask beyond the document

    @advisory
    Scenario: Grafana 10 and 11 load the files
      Given the dashboards below "/etc/grafana"
      Then the schema of each is of version 36 to 39
      And every panel is of one of the types
        | timeseries    |
        | stat          |
        | gauge         |
        | bargauge      |
        | barchart      |
        | piechart      |
        | table         |
        | heatmap       |
        | histogram     |
        | state-timeline |
        | text          |
      And no two dashboards have one uid, and no two panels of a dashboard one id
      And a provider loads them from where they are, and each data source that they ask is provisioned as the environment's Prometheus

    @advisory
    Scenario: What an alert watches is marked with the alert's thresholds
      Given the dashboards below "/etc/grafana"
      And the rules that Prometheus has loaded
      Then a panel that shows what an alert watches marks the alerts' thresholds, and no others
      And there is such a panel of each of
        | node_cpu_seconds_total                |
        | node_memory_MemAvailable_bytes        |
        | http_request_duration_seconds_bucket  |
        | http_requests_total                   |
        | redis_memory_used_bytes               |
        | mongodb_operation_latency_seconds_sum |
