@only-replica @permit-restart @ahead
Feature: What is verified once a release is live
  verify.sh, which deploy.sh and rollback.sh run after the switch, on the drill's server (see
  release.feature): smoke tests, and for some seconds the release's own metrics and its log.

  # Behind nginx another server answers, with a good release: the page is not missed at the site.
  @DEP-09 @DEP-11
  Scenario: A release that does not pass is switched back
    Given a release is deployed that is well, and lacks a page
    Then the script says that it failed
    And the release from before answers, with the same files and the same processes
    And the other answered for 20 seconds at most

  @DEP-09
  Scenario: Nor is it switched forth again
    Given it is switched forth again to a release that was switched back from
    Then the script says that it failed
    And the release from before answers, with the same files and the same processes

  Scenario Outline: It finds that <what is wrong>
    Given the live release is verified while <what is wrong>
    Then verify.sh says that it failed
    But it says that it succeeded while nothing is wrong

    @DEP-10
    Examples:
      | what is wrong                   |
      | 15 requests end with status 500 |

    @DEP-11
    Examples:
      | what is wrong            |
      | a page is not found      |
      | the site does not answer |

    @DEP-13 @RBK-01
    Examples:
      | what is wrong      |
      | an error is logged |

    @DEP-14
    Examples:
      | what is wrong            |
      | 15 requests take 700 ms  |
