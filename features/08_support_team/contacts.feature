Feature: Contacts
  The document's table, environments/contacts.yaml: reachable in form. Whether somebody answers,
  only a call shows.

  Scenario Outline: <role>
    Then the <role> has a name, an e-mail address and a telephone number in international form

    @CON-01
    Examples:
      | role             |
      | DevOps Lead      |

    @CON-02
    Examples:
      | role             |
      | Backend Lead     |

    @CON-03
    Examples:
      | role             |
      | Frontend Lead    |

    @CON-04
    Examples:
      | role             |
      | DBA              |

    @CON-05
    Examples:
      | role             |
      | Security Officer |
