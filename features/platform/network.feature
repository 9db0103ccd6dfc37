Feature: The network
  Clients come through the CDN and the balancer to three application servers, and no other way.

  Rule: The balancer

    @ARC-02
    Scenario: nginx has loaded three application servers at least
      Then nginx passes requests for "/" to 3 servers at least, all of them in use

    @ARC-02 @only-replica @only-compose
    Scenario: Each application server receives requests
      When 30 clients ask for something
      Then 3 application servers at least have answered, none of them less than half its share

  Rule: What listens where

    # Of a replica on one machine this is all that can be shown; who may reach what is shown
    # where hosts have networks of their own.
    @ARC-09 @only-replica
    Scenario Outline: Services of <role> hosts listen on the host's own address
      Then every service on a host of the role "<role>" listens on the host's own address alone

      Examples:
        | role       |
        | edge       |
        | app        |
        | redis      |
        | mongo      |
        | monitoring |

    @ARC-09 @only-deployed @unwaivable
    Scenario: Nothing but HTTP and HTTPS answers from outside
      Then none of these ports answers at the site's address
        | port  | service            |
        | 3000  | application        |
        | 6379  | Redis              |
        | 9090  | Prometheus         |
        | 9093  | Alertmanager       |
        | 9100  | node exporter      |
        | 9121  | Redis exporter     |
        | 9216  | MongoDB exporter   |
        | 27017 | MongoDB            |

  # Hosts of containers have networks of their own, and one of them stands outside: who may reach
  # what is tried. Each service is looked for on every address of its hosts, and must answer us.
  @only-compose
  Rule: Who reaches what

    @ARC-09
    Scenario: Whoever is outside reaches HTTP and HTTPS of the edge, and nothing else
      Then of these a host of the role "visitor" reaches those that it may, and no other
        | role       | port  | service          | may |
        | edge       | 80    | HTTP             | yes |
        | edge       | 443   | HTTPS            | yes |
        | edge       | 9100  | node exporter    | no  |
        | app        | 3000  | application      | no  |
        | app        | 9100  | node exporter    | no  |
        | redis      | 6379  | Redis            | no  |
        | mongo      | 27017 | MongoDB          | no  |
        | monitoring | 9090  | Prometheus       | no  |
        | monitoring | 9093  | Alertmanager     | no  |
        | monitoring | 9100  | node exporter    | no  |
        | monitoring | 9121  | Redis exporter   | no  |
        | monitoring | 9216  | MongoDB exporter | no  |

    @advisory
    Scenario: Whoever breaks into the edge reaches the application, and no database
      Then of these a host of the role "edge" reaches those that it may, and no other
        | role  | port  | service     | may |
        | app   | 3000  | application | yes |
        | redis | 6379  | Redis       | no  |
        | mongo | 27017 | MongoDB     | no  |

  Rule: The CDN

    @ARC-01 @only-deployed
    Scenario: The site is reached through the CDN
      Then an answer of the site carries one of
        | CF-Ray |

    @ARC-01 @only-deployed
    Scenario: The edge does not serve whoever goes round the CDN
      Then the edge's own address does not serve the site to this machine
