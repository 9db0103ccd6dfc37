Feature: PM2
  PM2 keeps the application running on every application server. Its settings are those that the
  running daemon has; what they do is seen of the application, and in a rehearsal.

  Rule: The settings that the running PM2 has

    @PM2-01
    Scenario: The process and its script
      Then PM2 runs "/var/www/dashboard-velo-api/server.js" as "dashboard-velo-api"

    @PM2-02
    Scenario: As many workers as CPUs
      Then "dashboard-velo-api" has as many workers online as the server has CPUs

    @PM2-03
    Scenario: Cluster mode
      Then each worker of "dashboard-velo-api" runs in "cluster_mode"

    @PM2-04
    Scenario: Nobody watches the files
      Then each worker of "dashboard-velo-api" has watch false

    @PM2-05
    Scenario: The limit of memory, in bytes
      Then each worker of "dashboard-velo-api" has max_memory_restart 1073741824

    @PM2-10
    Scenario: The workers' logs are merged
      Then each worker of "dashboard-velo-api" has merge_logs true

    @PM2-11
    Scenario: The form of dates
      Then each worker of "dashboard-velo-api" has log_date_format "YYYY-MM-DD HH:mm:ss Z"

    @PM2-12
    Scenario: How often a process that crashes is started again
      Then each worker of "dashboard-velo-api" has max_restarts 10

    @PM2-13
    Scenario: How long PM2 waits between restarts, in ms
      Then each worker of "dashboard-velo-api" has restart_delay 4000

    @PM2-14
    Scenario: PM2 waits for the worker's word
      Then each worker of "dashboard-velo-api" has wait_ready true

    @PM2-15
    Scenario: How long PM2 waits for it, in ms
      Then each worker of "dashboard-velo-api" has listen_timeout 50000

    @PM2-16
    Scenario: How long a worker may finish its requests, in ms
      Then each worker of "dashboard-velo-api" has kill_timeout 5000

  Rule: The running workers

    @PM2-06
    Scenario: The environment is production
      Then each worker of "dashboard-velo-api" was started with NODE_ENV "production"

    @PM2-07
    Scenario: The port is 3000
      Then each worker of "dashboard-velo-api" was started with PORT "3000"
      And the application answers at port 3000 of every application server

    @PM2-09
    Scenario: Output goes to its log
      When the application of every server is asked for something
      Then that stands in "/var/log/dashboard-velo/out.log" of the server

    @PM2-08 @permit-fault @only-replica @only-compose
    Scenario: Errors go to their log
      When the application of every server is made to answer 500
      Then that stands in "/var/log/dashboard-velo/error.log" of the server

    @PM2-08 @PM2-09 @PM2-10
    Scenario: All workers of a server have the same logs open
      Then every worker of "dashboard-velo-api" writes to these, and to no other log of its own
        | /var/log/dashboard-velo/out.log   |
        | /var/log/dashboard-velo/error.log |

    @PM2-11
    Scenario: Each line of the log begins with its date
      When the application of every server is asked for something
      Then that line bears the time it happened, as "%Y-%m-%d %H:%M:%S %z"
      And so does each of the last 50 lines of "/var/log/dashboard-velo/out.log"

  # A second PM2, with the settings of the running one, runs a small script instead of the
  # application; restart_delay is divided by 10 (and min_uptime shortened by as much), and the
  # limit of memory is 150 MiB instead of 1 GB.
  @only-replica @permit-restart
  Rule: What the settings do, in a rehearsal

    @PM2-12 @ahead
    Scenario: A process that keeps crashing is given up
      Given a rehearsal with restart_delay divided by 10 and a limit of 150 MiB
      Then a process that crashes at once is given up at the 10th crash

    @PM2-13 @ahead
    Scenario: A crashed process waits before it is started again
      Given a rehearsal with restart_delay divided by 10 and a limit of 150 MiB
      Then each restart waits for the delay

    @PM2-14 @ahead
    Scenario: A reload keeps the old worker until the new one has said that it is ready
      Given a rehearsal with restart_delay divided by 10 and a limit of 150 MiB
      Then the old worker is told to stop only after the new one was ready
      And no request was lost in the reload

    @PM2-16 @ahead
    Scenario: A worker that is told to stop may finish its requests in that time, and no longer
      Given a rehearsal with restart_delay divided by 10 and a limit of 150 MiB
      Then a request that needs 2500 ms more is answered
      But one that needs 10000 ms is cut off

    @PM2-05 @ahead
    Scenario: A worker that grows over its limit is replaced, and no request is lost
      Given a rehearsal with restart_delay divided by 10 and a limit of 150 MiB
      Then the worker that grew was replaced by another
      And no request was lost meanwhile
