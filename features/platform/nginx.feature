Feature: nginx
  How nginx runs on the edge, and what its workers have loaded: `nginx -T` of the running master,
  believed only where no file is newer than the workers.

  @NGX-01
  Scenario: Workers run as www-data, not root
    Then every worker of nginx runs as "www-data"

  @NGX-02
  Scenario: One worker for each CPU
    Then nginx has one worker for each CPU

  @NGX-03
  Scenario: 4096 connections a worker
    Then each worker of nginx may have 4096 connections

  @NGX-03
  Scenario: The open-file limit allows a worker its connections
    Then each worker of nginx may open 2 files for each of its connections

  @NGX-04
  Scenario: A worker accepts all that wait at once
    Then nginx has loaded "multi_accept on" for its events

  @NGX-05
  Scenario: Workers wait with epoll
    Then every worker of nginx waits for events with epoll
    And nginx has loaded "use epoll" for its events

  @NGX-06
  Scenario: Files and small answers are sent without delay
    Then nginx has loaded these, wherever it answers
      | sendfile    | on |
      | tcp_nopush  | on |
      | tcp_nodelay | on |

  @NGX-08
  Scenario: The hash of media types is 2048
    Then nginx has loaded these, wherever it answers
      | types_hash_max_size | 2048 |

  Rule: Idle connections

    @NGX-07
    Scenario: Keep-alive is set to 65 s, as loaded
      Then nginx has loaded a keepalive_timeout of 65 s, wherever it answers

    @NGX-07 @ahead @slow
    Scenario: An idle connection is kept 65 s, as measured
      When a client leaves its connection idle
      Then the connection is closed after 64 s at least and 67 s at most

  Rule: What an expert would ask beyond the document

    @advisory
    Scenario: The access log has no query string, for it may carry a token
      When a page is asked for with a token in its query
      Then the access log has the page and not the token
