Feature: Alerts
  The document's table of alerts, judged by what the rules that Prometheus has loaded do when the
  exporters' series take a simulated course: not by how an alert is called or written. A
  response time may be the mean or the percentile 50, 90, 95, 99 or 99.9, of a server or of all; an
  error is an answer with a status of 5xx. The table does not say whether the API's and MongoDB's
  figures are a server's or those of all: either passes, if one server far above the threshold is
  seen beside others that are well and have as much to do. A host's and a Redis' alert names it.

  Background:
    Given the rules that Prometheus has loaded
    And that an alert may measure over 5 min at most, and is right to 1 % of its threshold

  Rule: The document's table

    Scenario Outline: <alert>
      When <quantity> takes its course around <threshold> for <duration>
      Then an alert of severity <severity> fires above the threshold, and neither at nor below it
      And it fires when that has lasted for the duration, not sooner, not later; a relief starts it anew
      And it sees one server of three, and a new one
      And it is silent when servers restart, go and come, and when there is nothing to do

      @ALR-01
      Examples:
        | alert                 | quantity              | threshold | duration | severity |
        | CPU élevé             | CPU                   | 80 %      | 5 min    | warning  |

      @ALR-02
      Examples:
        | alert                 | quantity              | threshold | duration | severity |
        | CPU critique          | CPU                   | 95 %      | 2 min    | critical |

      @ALR-03
      Examples:
        | alert                 | quantity              | threshold | duration | severity |
        | Mémoire élevée        | memory                | 85 %      | 5 min    | warning  |

      @ALR-04
      Examples:
        | alert                 | quantity              | threshold | duration | severity |
        | Mémoire critique      | memory                | 95 %      | 2 min    | critical |

      @ALR-05
      Examples:
        | alert                 | quantity              | threshold | duration | severity |
        | Latence API           | response time         | 500 ms    | 5 min    | warning  |

      @ALR-06
      Examples:
        | alert                 | quantity              | threshold | duration | severity |
        | Erreurs API           | error rate            | 1 %       | 5 min    | warning  |

      @ALR-07 @RBK-01
      Examples:
        | alert                 | quantity              | threshold | duration | severity |
        | Erreurs API critiques | error rate            | 5 %       | 2 min    | critical |

      @ALR-08
      Examples:
        | alert                 | quantity              | threshold | duration | severity |
        | Redis mémoire         | Redis memory          | 80 %      | 5 min    | warning  |

      @ALR-09 @MDB-05
      Examples:
        | alert                 | quantity              | threshold | duration | severity |
        | MongoDB latence       | MongoDB response time | 100 ms    | 5 min    | warning  |

  Rule: What an expert would ask beyond the document

    @advisory
    Scenario Outline: <what> is noticed
      Given series that do not change
        | node_filesystem_size_bytes{job="node-exporter",instance="app-1:9100",device="/dev/vda1",fstype="ext4",mountpoint="/"} | 100 |
        | redis_up{job="redis",instance="redis://redis-1:6379"}                                                          | 1   |
      When the series <series> goes from <healthy> to <wrong>
      Then an alert of severity <severity> fires within <minutes> min, and not before

      Examples:
        | what                             | series                                                                                                                                 | healthy | wrong  | severity | minutes |
        | A server that is gone            | up{job="node-exporter",instance="app-1:9100"}                                                                                          | 1       | 0      | critical | 3       |
        | An application that is gone      | up{job="api-server",instance="app-1:3000"}                                                                                             | 1       | 0      | critical | 3       |
        | An exporter that is gone         | up{job="mongodb",instance="monitoring:9216"}                                                                                           | 1       | 0      | critical | 3       |
        | A Redis that is gone             | redis_up{job="redis",instance="redis://redis-2:6379"}                                                                                  | 1       | 0      | critical | 3       |
        | A MongoDB that is gone           | mongodb_up{job="mongodb",instance="monitoring:9216",member="mongo-1:27017"}                                                            | 1       | 0      | critical | 3       |
        | A certificate that ends soon     | certificate_not_after_timestamp_seconds{job="node-exporter",instance="edge:9100",site="api"}                                           | 9000000 | 900000 | warning  | 10      |
        | A disk that fills                | node_filesystem_avail_bytes{job="node-exporter",instance="app-1:9100",device="/dev/vda1",fstype="ext4",mountpoint="/"}                 | 40      | 8      | warning  | 10      |
        | A full disk                      | node_filesystem_avail_bytes{job="node-exporter",instance="app-1:9100",device="/dev/vda1",fstype="ext4",mountpoint="/"}                 | 40      | 3      | critical | 10      |
        | A MongoDB that lags              | mongodb_replication_lag_seconds{job="mongodb",instance="monitoring:9216",member="mongo-2:27017"}                                       | 1       | 60     | warning  | 10      |
        | A Redis replica on its own       | redis_master_link_up{job="redis",instance="redis://redis-2:6379",master_host="redis-1",master_port="6379"}                             | 1       | 0      | warning  | 10      |
        | A Redis that cannot save         | redis_rdb_last_bgsave_status{job="redis",instance="redis://redis-1:6379"}                                                              | 1       | 0      | warning  | 10      |
        | A backup that is old             | mongodb_backup_newest_timestamp_seconds{job="node-exporter",instance="backup:9100"}                                                    | 0       | -99999 | warning  | 10      |
        | An Alertmanager that is gone     | up{job="alertmanager",instance="monitoring:9093"}                                                                                      | 1       | 0      | critical | 3       |
        | A receiver that refuses          | alertmanager_notifications_failed_total{job="alertmanager",instance="monitoring:9093",integration="slack"}                             | 0       | 0+1    | warning  | 5       |
        | An alert that is not handed over | prometheus_notifications_errors_total{job="prometheus",instance="monitoring:9090",alertmanager="http://monitoring:9093/api/v2/alerts"} | 0       | 0+1    | warning  | 10      |
        | A rule that fails                | prometheus_rule_evaluation_failures_total{job="prometheus",instance="monitoring:9090",rule_group="alerts.yml;outages"}                 | 0       | 0+1    | warning  | 10      |
        | A configuration that is refused  | prometheus_config_last_reload_successful{job="prometheus",instance="monitoring:9090"}                                                  | 1       | 0      | warning  | 10      |

    @advisory
    Scenario Outline: <what>: missed when there are no series any more
      Given series that do not change
        | up{job="node-exporter",instance="app-1:9100"}                                                                         | 1    |
        | up{job="api-server",instance="app-1:3000"}                                                                            | 1    |
        | up{job="redis",instance="redis://redis-1:6379"}                                                                       | 1    |
        | up{job="mongodb",instance="monitoring:9216"}                                                                          | 1    |
        | up{job="prometheus",instance="monitoring:9090"}                                                                       | 1    |
        | up{job="alertmanager",instance="monitoring:9093"}                                                                     | 1    |
        | node_cpu_seconds_total{job="node-exporter",instance="app-1:9100",cpu="0",mode="idle"}                                 | 0+15 |
        | node_memory_MemAvailable_bytes{job="node-exporter",instance="app-1:9100"}                                             | 60   |
        | node_memory_MemTotal_bytes{job="node-exporter",instance="app-1:9100"}                                                 | 100  |
        | http_requests_total{job="api-server",instance="app-1:3000",method="GET",route="/",status="200"}                       | 0+9  |
        | http_request_duration_seconds_bucket{job="api-server",instance="app-1:3000",method="GET",route="/",le="+Inf"}         | 0+9  |
        | redis_up{job="redis",instance="redis://redis-1:6379"}                                                                 | 1    |
        | redis_memory_used_bytes{job="redis",instance="redis://redis-1:6379"}                                                  | 20   |
        | redis_memory_max_bytes{job="redis",instance="redis://redis-1:6379"}                                                   | 100  |
        | mongodb_up{job="mongodb",instance="monitoring:9216",member="mongo-1:27017"}                                           | 1    |
        | mongodb_operation_latency_seconds_count{job="mongodb",instance="monitoring:9216",member="mongo-1:27017",type="reads"} | 0+9  |
      When the series <series> goes from <healthy> to _
      Then an alert of severity <severity> fires within <minutes> min, and not before

      Examples:
        | what                                              | series                                                                                                                | healthy | severity | minutes |
        | All servers                                       | up{job="node-exporter",instance="app-1:9100"}                                                                         | 1       | critical | 3       |
        | All applications                                  | up{job="api-server",instance="app-1:3000"}                                                                            | 1       | critical | 3       |
        | All Redis                                         | up{job="redis",instance="redis://redis-1:6379"}                                                                       | 1       | critical | 3       |
        | All of MongoDB                                    | up{job="mongodb",instance="monitoring:9216"}                                                                          | 1       | critical | 3       |
        | Prometheus itself                                 | up{job="prometheus",instance="monitoring:9090"}                                                                       | 1       | critical | 3       |
        | Alertmanager                                      | up{job="alertmanager",instance="monitoring:9093"}                                                                     | 1       | critical | 3       |
        | The CPU of a server that answers                  | node_cpu_seconds_total{job="node-exporter",instance="app-1:9100",cpu="0",mode="idle"}                                 | 0+15    | warning  | 10      |
        | The memory of a server that answers               | node_memory_MemAvailable_bytes{job="node-exporter",instance="app-1:9100"}                                             | 60      | warning  | 10      |
        | The requests of an application that answers       | http_requests_total{job="api-server",instance="app-1:3000",method="GET",route="/",status="200"}                       | 0+9     | warning  | 10      |
        | The response times of an application that answers | http_request_duration_seconds_bucket{job="api-server",instance="app-1:3000",method="GET",route="/",le="+Inf"}         | 0+9     | warning  | 10      |
        | Redis, of an exporter that answers                | redis_up{job="redis",instance="redis://redis-1:6379"}                                                                 | 1       | warning  | 10      |
        | The memory of a Redis that answers                | redis_memory_used_bytes{job="redis",instance="redis://redis-1:6379"}                                                  | 20      | warning  | 10      |
        | MongoDB, of an exporter that answers              | mongodb_up{job="mongodb",instance="monitoring:9216",member="mongo-1:27017"}                                           | 1       | warning  | 10      |
        | The response times of a MongoDB that answers      | mongodb_operation_latency_seconds_count{job="mongodb",instance="monitoring:9216",member="mongo-1:27017",type="reads"} | 0+9     | warning  | 10      |

    @advisory
    Scenario: A Redis without a limit is not taken for a full one
      Given series that do not change
        | redis_memory_max_bytes{job="redis",instance="redis://redis-1:6379"} | 0 |
        | redis_config_maxmemory{job="redis",instance="redis://redis-1:6379"} | 0 |
      When the series redis_memory_used_bytes{job="redis",instance="redis://redis-1:6379"} goes from 0 to 9000000000
      Then no alert fires within 20 min

    @advisory
    Scenario: A client's mistakes are no error of the API
      Given series that do not change
        | http_requests_total{job="api-server",instance="app-1:3000",method="GET",route="/api/v1/weather",status="200"} | 0+100 |
      When the series http_requests_total{job="api-server",instance="app-1:3000",method="GET",route="/api/v1/weather",status="404"} goes from 0+0 to 0+100
      Then no alert fires within 20 min

    @advisory
    Scenario: Somebody notices when no alert can come any more
      Given series that do not change
        | up{job="node-exporter",instance="app-1:9100"} | 1 |
      And the configuration that Alertmanager has loaded
      Then an alert that asks for no series always fires, and goes by "/ping/" alone, where its absence is an alarm
